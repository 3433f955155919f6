// What happens after hours and days: what has been stored is made older while the edge is stopped.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, lasting } from "./storage.mjs";
import { event, post } from "./support.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Sends an event of these fields; returns its key. */
async function sent({ url, keys }, fields) {
  equal((await post(url, event(fields))).status, 200);
  return (await keys())[0];
}

/** Waits until the inbox has seen what there is to do: an event that comes now is sent after that. */
async function looked(world) {
  await world.until(await sent(world), "delivered");
}

const fails = (headers) => (_, response) => response.writeHead(500, headers).end();
const takes = (_, response) => response.end();

test("a body is kept for 7 days after its delivery's end", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "90d", MAX_ATTEMPTS: "1", MAX_DELIVERY_AGE: "30d" });
  const { origin, until } = world;
  origin.answer = (_, response, body) => response.writeHead(JSON.parse(body).note ?? 200, { "retry-after": "1" }).end();
  const delivered = await sent(world, { session_id: "s-1" });
  const variant = await sent(world, { session_id: "s-1", steps: [] });
  const dead = await sent(world, { note: 500 });
  const states = { [delivered]: "delivered", [variant]: "variant", [dead]: "dead" };
  for (const [key, state] of Object.entries(states)) await until(key, state);

  await world.later(7 * DAY - MINUTE);
  await looked(world);
  for (const [key, state] of Object.entries(states)) {
    const { body, attempts } = await world.until(key, state);
    ok(body.text && attempts.length === (key === variant ? 0 : 1));
  }
  // Its own alarm sees to it.
  await world.again((storage) => age(storage, MINUTE));
  for (const key of Object.keys(states)) {
    const { body, signature, attempts, sends, name } = await world.until(key, "forgotten");
    deepEqual([body, signature, attempts, sends, name], [null, null, [], [], null]);
    equal((await world.ask("POST", `deliveries/${key}/redeliver`)).code, "forgotten");
  }
});

test("what is pending is kept, however old it is", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "30d" });
  world.origin.answer = fails({ "retry-after": "3600" });
  const key = await sent(world);
  await world.until(key, ({ attempts }) => attempts.length === 1);
  world.origin.answer = takes;
  await world.later(20 * DAY);
  await world.until(key, "delivered");
  const [first, second] = world.origin.taken;
  deepEqual(second.body, first.body);
});

test("an id is remembered for MAX_EVENT_AGE and 6 minutes more after it came", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "1h", RETENTION_DAYS: "0.00001" });
  const body = event({ timestamp: undefined });
  equal((await post(world.url, body)).status, 200);
  const [key] = await world.keys();
  await world.until(key, "forgotten");

  await world.later(65 * MINUTE);
  await looked(world);
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"duplicate"'));
  equal((await world.ask("GET", `deliveries/${key}`)).duplicates, 1);
  equal(world.origin.taken.length, 2);

  await world.later(MINUTE);
  await world.until(key, ({ code }) => code === "not_found");
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"accepted"', JSON.parse(body).data.session_id));
  equal((await world.origin.took(3)).body.toString(), body);
});

test("the id of what was erased is remembered as long", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "1h" });
  const body = event({ timestamp: undefined });
  equal((await post(world.url, body)).status, 200);
  const [key] = await world.keys();
  await world.until(key, "delivered");
  equal((await world.ask("DELETE", `deliveries/${key}`)).erased, 1);

  await world.later(65 * MINUTE);
  await looked(world);
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"duplicate"'));
  equal((await world.ask("GET", `deliveries/${key}`)).state, "erased");

  await world.later(MINUTE);
  await world.until(key, ({ code }) => code === "not_found");
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"accepted"', JSON.parse(body).data.session_id));
  equal((await world.origin.took(3)).body.toString(), body);
});

test("a delivery is given up after 3 days, which count from its redelivery", async (t) => {
  const world = await lasting(t);
  const { origin } = world;
  origin.answer = fails({ "retry-after": "3600" });
  const tries = (key, count) => world.until(key, ({ attempts }) => attempts.length === count);
  const early = await sent(world);
  await tries(early, 1);
  await world.later(3 * DAY - HOUR - MINUTE);
  const { state, sends } = await tries(early, 2);
  deepEqual([state, sends[0].reason], ["pending", null]);

  const late = await sent(world);
  await tries(late, 1);
  await world.later(3 * DAY - HOUR + 1);
  for (const key of [early, late]) {
    const [{ reason }] = (await world.until(key, "dead")).sends;
    equal(reason, "max_age");
  }
  equal((await tries(late, 2)).state, "dead");

  equal((await world.ask("POST", `deliveries/${late}/redeliver`)).status, 200);
  equal((await tries(late, 3)).state, "pending");
  await world.later(3 * DAY - HOUR - MINUTE);
  equal((await tries(late, 4)).state, "pending");
});

test("a test event is sent again 30 times an hour, and after that hour again", async (t) => {
  const world = await lasting(t);
  const body = JSON.stringify({ is_test: true, message: "This is a test" });
  /** It arrives so many times more: how often it was sent again, and counted only, so far? */
  const arrives = async (times) => {
    for (let n = 0; n < times; n++) equal((await post(world.url, body)).status, 200);
    const { deliveries } = await world.ask("GET", "deliveries?limit=200");
    const first = deliveries.find(({ kind }) => kind === "first");
    return { repeats: deliveries.filter(({ kind }) => kind === "repeat").length, duplicates: first.duplicates };
  };
  deepEqual(await arrives(32), { repeats: 30, duplicates: 1 });
  await world.later(59 * MINUTE);
  deepEqual(await arrives(2), { repeats: 30, duplicates: 3 });
  await world.later(MINUTE);
  deepEqual(await arrives(31), { repeats: 60, duplicates: 4 });
  await world.origin.took(61);
});
