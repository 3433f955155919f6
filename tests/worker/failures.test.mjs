// After a failed statement or the end of a Durable Object, no delivery is lost or stuck, and counts are kept.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, lasting, loseAlarm, select } from "./storage.mjs";
import { admin, DURABLE, event, folder, post, start, TOKEN } from "./support.mjs";

/** The Worker, with statements that fail a given number of times, and with its alarms counted. */
const entry = `
import worker, { Inbox as Real } from "./index.js";
let [failing, times, alarms] = ["", 0, 0];
export class Inbox extends Real {
  constructor(context, env) {
    super(context, env);
    const sql = Object.getPrototypeOf(context.storage.sql);
    const { exec } = sql;
    if (exec.isFailing) return;
    sql.exec = function (query, ...values) {
      if (times > 0 && query.includes(failing)) {
        times--;
        throw new Error("database or disk is full: SQLITE_FULL");
      }
      return exec.call(this, query, ...values);
    };
    sql.exec.isFailing = true;
  }
  alarm() {
    alarms++;
    return super.alarm();
  }
}
export default {
  ...worker,
  fetch(request, env, context) {
    const url = new URL(request.url);
    if (url.pathname !== "/fail") return worker.fetch(request, env, context);
    [failing, times] = [url.searchParams.get("query") ?? "", Number(url.searchParams.get("times"))];
    return Response.json(alarms);
  },
};`;

for (const query of ["UPDATE deliveries SET sends", "FROM deliveries WHERE key = ? AND signature"]) {
  test(`after "${query}" has failed, delivers everything with few alarms`, async (t) => {
    const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { entry });
    const { until, ids } = admin(world.edge);
    const fail = async (times) => (await fetch(`${world.edge.url}/fail?${new URLSearchParams({ query, times })}`)).json();
    await fail(2);
    const bodies = Array.from({ length: 5 }, () => event());
    for (const body of bodies) equal((await post(world.url, body)).status, 200);
    // These requests keep the object alive, with memory that might be wrong after the failure.
    for (const id of await ids()) await until(id, "delivered");
    ok(await world.logged("inbox_failed", "SQLITE_FULL"));
    const alarms = await fail(0);
    ok(alarms < 20, `${alarms} alarms`);
    const taken = new Set(world.origin.taken.map(({ body }) => body.toString()));
    deepEqual([...taken].sort(), [...bodies].sort());
  });
}

test("undoes a step that fails half-way, so that a send to a removed destination is dead after its maximum age", async (t) => {
  const storage = await folder(t);
  const to = (name) => (origin) => ({
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name, url: origin.url }]),
  });
  const before = await start(t, to("old"), { storage, entry });
  before.origin.answer = (_, response) => response.writeHead(500, { "retry-after": "2" }).end();
  equal((await post(before.url, event())).status, 200);
  const [id] = await admin(before.edge).ids();
  await admin(before.edge).until(id, ({ attempts }) => attempts.length === 1);
  await before.edge.stop();
  age(storage, 4 * 24 * 3_600_000);
  loseAlarm(storage); // so that the inbox does no work before the failure

  const after = await start(t, to("new"), { storage, entry });
  const query = "UPDATE deliveries SET sends";
  await fetch(`${after.edge.url}/fail?${new URLSearchParams({ query, times: 1 })}`);
  await after.edge.scheduled();
  ok(await after.logged("inbox_failed", "SQLITE_FULL"));
  const { sends } = await admin(after.edge).until(id, "dead");
  equal(sends[0].reason, "destination_removed");
  await after.edge.stop();
  deepEqual(select(storage, "SELECT destination, due FROM retries"), []);
});

test("keeps counts through a restart", async (t) => {
  const world = await lasting(t);
  const { origin } = world;
  const body = event();
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], "delivered");
  origin.answer = (_, response) => response.writeHead(500, { "retry-after": "3600" }).end();
  equal((await post(world.url, body)).status, 200);
  await world.until((await world.ids())[0], ({ attempts }) => attempts.length === 1);
  for (let n = 0; n < 3; n++) equal((await post(world.url, body)).status, 200);
  const counted = async () => {
    const { deliveries, duplicates, lastReceived, destinations } = await world.ask("GET", "status");
    const [{ lastTaken, lastFailed, lastCode, pending }] = destinations;
    return { deliveries, duplicates, lastReceived, taken: lastTaken > 0, failed: lastFailed > 0, lastCode, pending };
  };
  const before = await counted();
  deepEqual([before.duplicates, before.pending, before.lastCode, before.taken], [3, 1, "origin_failed", true]);
  await world.restart();
  deepEqual(await counted(), before);
});
