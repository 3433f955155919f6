// What the tests of the quarantine share: an edge whose key changes and whose clock moves, and senders in many networks.
import { deepEqual, equal, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { lasting } from "./storage.mjs";
import { event, eventually, KEY, post, sign } from "./support.mjs";

/** The key that Walnut signs with after a reset. */
export const NEW_KEY = "the key after the reset";
/** A key that is never set. */
export const FORGED = "a key that nobody set";

/** An address of Walnut's. */
export const WALNUT = "192.0.2.10";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** How long something may take that was not answered yet, in ms. */
const PATIENCE_MS = 30_000;

/** An address in the network with this number: each is a /24. */
export const address = (network, host = 1) => `10.${network >> 8}.${network & 255}.${host}`;

/** The body of an event with exactly so many bytes. */
export function sized(bytes, fields = {}) {
  const short = event({ ...fields, padding: "" });
  return event({ ...fields, session_id: JSON.parse(short).data.session_id, padding: "x".repeat(bytes - Buffer.byteLength(short)) });
}

/** The smallest body that is kept, and no other is equal to it. */
let small = 0;
export const tiny = () => `{"event":"e","n":${small++}}`;

/**
 * The Worker, so many ms ahead, with the rows counted that it writes, and how often the inbox is asked something: entries
 * of indexes and alarms are rows too. Alarms go off after as much real time as without it. With TEST_GATE, the second shard
 * stores only what the server there answers 200.
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
 * An edge with storage that lasts. `send` posts a body, signed with the new key and from Walnut's address unless it says
 * otherwise. `reset` changes bindings, and starts the edge again so many ms later. `pass` moves the clock and runs the cron trigger.
 * `holds` waits until the status of the quarantine has these numbers, `stays` says that it
 * keeps no more than so many, and `rejected` lists all that is kept. `genuine` sends an event that makes its network known.
 */
export async function quarantine(t, bindings = {}, options = {}) {
  const all = { ...bindings };
  let offset = 0;
  // The failpoints build has its own way to stop; no test needs both.
  const world = await lasting(t, all, () => (options.build ? options : { entry: ahead(offset), ...options }));
  world.now = () => Date.now() + offset;
  world.send = (body, { key = NEW_KEY, ip = WALNUT, headers = {} } = {}) =>
    post(world.url, body, { "x-walnut-signature": sign(body, key), ...(ip && { "cf-connecting-ip": ip }), ...headers });
  world.reset = async (changed, ms = 0) => {
    Object.assign(all, changed);
    offset += ms;
    await world.again();
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
      const found = Object.fromEntries(Object.keys(wanted).map((name) => [name, status.quarantine?.[name]]));
      if (Date.now() > end) deepEqual(found, wanted);
      return isDeepStrictEqual(found, wanted) && status;
    });
  };
  world.stays = async (kept) => {
    // What is done after a response is done, once the inbox has been asked three times.
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

/** Does `work` for each item, so many at once. */
export async function each(items, work, atOnce = 16) {
  const left = items.entries();
  const worker = async () => {
    for (const [n, item] of left) await work(item, n);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** A tenth of the room, for a network that sent nothing genuine; half of it is for all of those. */
export const TENTH = { bodies: 100, bytes: 838_860 };
export const HALF = { bodies: 500, bytes: 4 << 20 };
export const ALL = { bodies: 1000, bytes: 8 << 20 };

/** Sends so many small bodies; each is rejected. */
export const forge = (world, count, { ip, key = FORGED } = {}) =>
  each(Array.from({ length: count }), async () => equal((await world.send(tiny(), { key, ip })).code, "signature_mismatch"));

/** Sends them from as many networks as are needed, from this one on, for each of them to be kept. */
export const forgeFromMany = (world, count, network) =>
  each(Array.from({ length: count }), async (_, n) => {
    const ip = address(network + Math.floor(n / TENTH.bodies));
    equal((await world.send(tiny(), { key: FORGED, ip })).code, "signature_mismatch");
  });

/** The quarantine has `kept` so many, and an event from this network is not kept besides. */
export async function isFullFor(world, ip, kept) {
  await world.holds({ kept });
  // An isolate that was told so does not ask again for a minute.
  await world.reset();
  await world.send(tiny(), { key: FORGED, ip });
  await world.stays(kept);
}

/** The quarantine has room for another from this network. */
export async function hasRoomFor(world, ip, kept) {
  await world.reset();
  await world.send(tiny(), { key: FORGED, ip });
  await world.holds({ kept: kept + 1 });
  return kept + 1;
}

/** An edge that has a known network: Walnut's. */
export async function edge(t, bindings) {
  const world = await quarantine(t, bindings);
  await world.genuine();
  return world;
}

export const session = (body) => JSON.parse(body).data.session_id;
export const idOf = (body) => `${JSON.parse(body).event}:${session(body)}`;

/** All deliveries. */
export async function deliveries({ ask }) {
  const all = [];
  for (let cursor = null; ; ) {
    const page = await ask("GET", `deliveries?limit=200${cursor ? `&cursor=${cursor}` : ""}`);
    all.push(...page.deliveries);
    cursor = page.cursor;
    if (cursor === null) return all;
  }
}

/** Each of the bodies is listed once, with the time when it was received, and was sent as it is. */
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
