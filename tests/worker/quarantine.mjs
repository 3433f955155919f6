// Shared by the tests of the quarantine: an edge with a key and a clock that tests change, and senders in many networks.
import { deepEqual, equal, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { lasting } from "./storage.mjs";
import { event, eventually, KEY, post, sign } from "./support.mjs";

/** The key that Walnut signs with after a reset. */
export const NEW_KEY = "the key after the reset";
/** A key that is never set. */
export const FORGED = "a key that is never set";

/** An address of Walnut. */
export const WALNUT = "192.0.2.10";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How long to wait for the expected status of the quarantine, in ms. */
const PATIENCE_MS = 300_000;

/** Returns an address in a numbered network. Each network is a /24. */
export const address = (network, host = 1) => `10.${network >> 8}.${network & 255}.${host}`;

/** Returns the body of an event with exactly `bytes` bytes. */
export function sized(bytes, fields = {}) {
  const short = event({ ...fields, padding: "" });
  return event({ ...fields, session_id: JSON.parse(short).data.session_id, padding: "x".repeat(bytes - Buffer.byteLength(short)) });
}

let small = 0;
/** Returns a small body that the quarantine keeps. Each call returns a different one. */
export const tiny = () => `{"event":"e","n":${small++}}`;

/**
 * The Worker with a clock that is `ms` ahead. A request to `/clock`, or the header `test-ahead`, moves the clock. Alarms
 * fire after the same real time as without the shift. The Worker counts the rows that it writes, including index entries
 * and alarms, and the requests to the inbox. With TEST_GATE, the second shard stores a delivery only if the server at
 * that URL answers 200.
 */
export const ahead = (ms) => `
import worker, { Inbox as Real } from "./index.js";
let ahead = ${ms};
const { now } = Date;
Date.now = () => now() + ahead;
let [isPatched, cursors, alarms, asked] = [false, [], 0, 0];
function patch({ storage }) {
  if (isPatched) return;
  isPatched = true;
  const sql = Object.getPrototypeOf(storage.sql);
  const { exec } = sql;
  sql.exec = function (query, ...values) {
    const cursor = exec.call(this, query, ...values);
    cursors.push({ query, cursor });
    return cursor;
  };
  const proto = Object.getPrototypeOf(storage);
  const { getAlarm, setAlarm, deleteAlarm } = proto;
  proto.getAlarm = async function () {
    const time = await getAlarm.call(this);
    return time === null ? null : time + ahead;
  };
  proto.setAlarm = function (time) {
    alarms++;
    return setAlarm.call(this, time - ahead);
  };
  proto.deleteAlarm = function () {
    alarms++;
    return deleteAlarm.call(this);
  };
}
export class Inbox extends Real {
  constructor(context, env) {
    patch(context);
    super(context, env);
  }
  ask(...question) {
    asked++;
    return super.ask(...question);
  }
  async store(...arrival) {
    const { INBOX, TEST_GATE } = this.env;
    if (TEST_GATE && this.ctx.id.equals(INBOX.idFromName("shard-1"))) {
      const { status } = await fetch(TEST_GATE);
      if (status !== 200) throw new Error("the gate is closed");
    }
    return super.store(...arrival);
  }
}
export default {
  ...worker,
  fetch(request, env, context) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.headers.has("test-ahead")) ahead = Number(request.headers.get("test-ahead"));
    if (pathname === "/clock") return Response.json((ahead = Number(searchParams.get("ahead"))));
    if (pathname === "/asked") return Response.json(asked);
    if (pathname !== "/written") return worker.fetch(request, env, context);
    const written = { alarms };
    for (const { query, cursor } of cursors) {
      const statement = query.replace(/\\s+/g, " ").slice(0, 60);
      if (cursor.rowsWritten > 0) written[statement] = (written[statement] ?? 0) + cursor.rowsWritten;
    }
    [cursors, alarms] = [[], 0];
    return Response.json(written);
  },
};`;

/**
 * Starts an edge that keeps its storage through restarts. `send` posts a body, by default signed with the new key and
 * from Walnut's address. `reset` changes bindings and restarts the edge `ms` later. `pass` moves the clock and runs the
 * cron trigger. `holds` waits until the status of the quarantine has the wanted numbers. `stays` checks that the number of
 * kept requests does not grow. `rejected` lists all kept requests. `genuine` sends an event that makes its network known.
 */
export async function quarantine(t, bindings = {}, options = {}) {
  const all = { ...bindings };
  let offset = 0;
  // No test needs both the failpoints build and the clock.
  const world = await lasting(t, all, () => (options.build ? options : { entry: ahead(offset), ...options }));
  world.now = () => Date.now() + offset;
  world.send = (body, { key = NEW_KEY, ip = WALNUT, headers = {} } = {}) =>
    post(world.url, body, { "x-walnut-signature": sign(body, key), ...(ip && { "cf-connecting-ip": ip }), ...headers });
  world.reset = async (changed, ms = 0) => {
    Object.assign(all, changed);
    offset += ms;
    await world.restart();
  };
  world.pass = async (ms) => {
    offset += ms;
    await fetch(`${world.edge.url}/clock?ahead=${offset}`);
    await world.edge.scheduled();
  };
  world.holds = async (wanted) => {
    const end = Date.now() + PATIENCE_MS;
    return eventually(async () => {
      const status = await world.ask("GET", "status");
      const actual = Object.fromEntries(Object.keys(wanted).map((name) => [name, status.quarantine?.[name]]));
      if (Date.now() > end) deepEqual(actual, wanted);
      return isDeepStrictEqual(actual, wanted) && status;
    });
  };
  world.stays = async (kept) => {
    // The work after a response is finished once the inbox has been called three times.
    for (let n = 0; n < 3; n++) await world.ask("GET", "status");
    await world.holds({ kept });
  };
  world.rejected = async (query = "") => {
    const entries = [];
    for (let cursor = null; ; ) {
      const page = await world.ask("GET", `rejected?limit=50${query}${cursor ? `&cursor=${cursor}` : ""}`);
      entries.push(...page.rejected);
      cursor = page.cursor;
      if (cursor === null) return entries;
    }
  };
  world.genuine = async (ip = WALNUT, fields = {}) => {
    const body = event(fields);
    const { status } = await world.send(body, { key: all.WALNUT_WEBHOOK_KEY ?? KEY, ip });
    if (status !== 200) throw new Error(`a genuine event was answered ${status}`);
    return body;
  };
  return world;
}

/** Runs `work` for each item, for `atOnce` items at a time. */
export async function each(items, work, atOnce = 16) {
  const left = items.entries();
  const workThrough = async () => {
    for (const [n, item] of left) await work(item, n);
  };
  await Promise.all(Array.from({ length: atOnce }, workThrough));
}

/** The limits of a network without genuine events, of all such networks together, and of the whole quarantine. */
export const TENTH = { bodies: 100, bytes: 838_860 };
export const HALF = { bodies: 500, bytes: 4 << 20 };
export const ALL = { bodies: 1000, bytes: 8 << 20 };

/** Sends `count` small bodies, which are all rejected. */
export const forge = (world, count, { ip, key = FORGED } = {}) =>
  each(Array.from({ length: count }), async () => equal((await world.send(tiny(), { key, ip })).code, "signature_mismatch"));

/** Sends `count` small bodies from as many networks as needed, starting with `network`, so that each is kept. */
export const forgeFromMany = (world, count, network) =>
  each(Array.from({ length: count }), async (_, n) => {
    const ip = address(network + Math.floor(n / TENTH.bodies));
    equal((await world.send(tiny(), { key: FORGED, ip })).code, "signature_mismatch");
  });

/** Checks that the quarantine has `kept` requests, and does not keep another one from the network of `ip`. */
export async function isFullFor(world, ip, kept) {
  await world.holds({ kept });
  // Without a restart, an isolate that got no room would not ask for a minute.
  await world.reset();
  await world.send(tiny(), { key: FORGED, ip });
  await world.stays(kept);
}

/** Checks that the quarantine has room for another request from the network of `ip`. */
export async function hasRoomFor(world, ip, kept) {
  await world.reset();
  await world.send(tiny(), { key: FORGED, ip });
  await world.holds({ kept: kept + 1 });
  return kept + 1;
}

/** Starts an edge with one known network: Walnut's. */
export async function edge(t, bindings) {
  const world = await quarantine(t, bindings);
  await world.genuine();
  return world;
}

export const session = (body) => JSON.parse(body).data.session_id;
export const idOf = (body) => `${JSON.parse(body).event}:${session(body)}`;

/** Lists all deliveries. */
export async function deliveries({ ask }) {
  const all = [];
  for (let cursor = null; ; ) {
    const page = await ask("GET", `deliveries?limit=200${cursor ? `&cursor=${cursor}` : ""}`);
    all.push(...page.deliveries);
    cursor = page.cursor;
    if (cursor === null) return all;
  }
}

/** Checks that each body is listed once, was received between `from` and `to`, and was sent unchanged. */
export async function deliveredOnce(world, bodies, from, to) {
  const wanted = new Set(bodies.map(idOf));
  const listed = (await deliveries(world)).filter(({ id }) => wanted.has(id));
  equal(listed.length, bodies.length);
  equal(new Set(listed.map(({ id }) => id)).size, bodies.length);
  for (const { deliveryId, received, id } of listed) {
    await world.until(deliveryId, "delivered");
    ok(received >= from && received <= to, `${id} was received at ${received}, not from ${from} to ${to}`);
  }
  const sent = world.origin.taken.map(({ body }) => body.toString()).filter((body) => wanted.has(idOf(body)));
  deepEqual([...new Set(sent)].sort(), [...bodies].sort());
  return sent.length;
}
