// The behaviour after hours and days: the tests make the stored data older while the edge is stopped.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, change, lasting } from "./storage.mjs";
import { event, post } from "./support.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Sends an event with these fields, and returns its ID. */
async function sendEvent({ url, ids }, fields) {
  equal((await post(url, event(fields))).status, 200);
  return (await ids())[0];
}

/** Waits until the inbox has done its work, by an event that is sent after that work. */
async function inboxHasWorked(world) {
  await world.until(await sendEvent(world), "delivered");
}

/** Posts a body, and returns the result that the log has for it: accepted, duplicate, repeat or variant. */
async function resultOf(world, body) {
  equal((await post(world.url, body)).status, 200);
  await world.caughtUp();
  // Other lines are workerd's own.
  const lines = world.lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  const stored = lines.filter(({ type, destination }) => type && !destination);
  // The last line is about the event of `caughtUp`.
  return stored.at(-2).event;
}

/** Returns the requests of a session that the origin has received. */
const requestsOf = ({ origin }, session) => origin.taken.filter(({ body }) => JSON.parse(body).data?.session_id === session);
/** Returns the IDs of a session's deliveries. */
const idsOf = async ({ ask }, session) =>
  (await ask("GET", "deliveries")).deliveries.filter(({ id }) => id.endsWith(`:${session}`)).map(({ deliveryId }) => deliveryId);

const fails = (headers) => (_, response) => response.writeHead(500, headers).end();
const accepts = (_, response) => response.end();

test("keeps a body for 7 days after the end of its delivery", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "90d", MAX_ATTEMPTS: "1", MAX_DELIVERY_AGE: "30d" });
  const { origin, until } = world;
  origin.answer = (_, response, body) => response.writeHead(JSON.parse(body).note ?? 200, { "retry-after": "1" }).end();
  const delivered = await sendEvent(world, { session_id: "s-1" });
  const variant = await sendEvent(world, { session_id: "s-1", steps: [] });
  const dead = await sendEvent(world, { note: 500 });
  const states = { [delivered]: "delivered", [variant]: "variant", [dead]: "dead" };
  for (const [id, state] of Object.entries(states)) await until(id, state);

  await world.later(7 * DAY - MINUTE);
  await inboxHasWorked(world);
  for (const [id, state] of Object.entries(states)) {
    const { body, attempts } = await world.until(id, state);
    ok(body.text && attempts.length === (id === variant ? 0 : 1));
  }
  // The alarm forgets the bodies, without a cron trigger.
  await world.restart((storage) => age(storage, MINUTE));
  for (const id of Object.keys(states)) {
    const { body, signature, attempts, sends, name } = await world.until(id, "forgotten");
    deepEqual([body, signature, attempts, sends, name], [null, null, [], [], null]);
    equal((await world.ask("POST", `deliveries/${id}/redeliver`)).code, "forgotten");
  }
});

test("keeps a pending delivery of any age", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "30d" });
  world.origin.answer = fails({ "retry-after": "3600" });
  const id = await sendEvent(world);
  await world.until(id, ({ attempts }) => attempts.length === 1);
  world.origin.answer = accepts;
  await world.later(20 * DAY);
  await world.until(id, "delivered");
  const [first, second] = world.origin.taken;
  deepEqual(second.body, first.body);
});

/** How long an ID is remembered at least, in ms: a copy may be in the quarantine for 48 hours. */
const REMEMBERED = 48 * 60 * MINUTE + 6 * MINUTE;

test("remembers an id for 48 hours and 6 minutes after its last use, also if MAX_EVENT_AGE is shorter", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "1h", RETENTION: "1s" });
  const body = event({ timestamp: undefined });
  equal((await post(world.url, body)).status, 200);
  const [id] = await world.ids();
  await world.until(id, "forgotten");

  await world.later(REMEMBERED - MINUTE);
  await inboxHasWorked(world);
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"duplicate"'));
  equal((await world.ask("GET", `deliveries/${id}`)).duplicates, 1);
  equal(world.origin.taken.length, 2);

  await world.later(MINUTE);
  await world.until(id, ({ code }) => code === "not_found");
  equal(await resultOf(world, body), "duplicate");
  await world.later(REMEMBERED - MINUTE);
  equal(await resultOf(world, body), "duplicate");
  const { session_id } = JSON.parse(body).data;
  equal(requestsOf(world, session_id).length, 1);

  await world.later(REMEMBERED);
  await inboxHasWorked(world);
  equal(await resultOf(world, body), "accepted");
  await world.logged('"delivered"', session_id);
  equal(requestsOf(world, session_id).at(-1).body.toString(), body);
});

test("remembers the id of an erased delivery for the same time", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "1h" });
  const body = event({ timestamp: undefined });
  equal((await post(world.url, body)).status, 200);
  const [id] = await world.ids();
  await world.until(id, "delivered");
  equal((await world.ask("DELETE", `deliveries/${id}`)).erased, 1);

  await world.later(REMEMBERED - MINUTE);
  await inboxHasWorked(world);
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"duplicate"'));
  equal((await world.ask("GET", `deliveries/${id}`)).state, "erased");

  await world.later(REMEMBERED);
  await world.until(id, ({ code }) => code === "not_found");
  equal((await post(world.url, body)).status, 200);
  ok(await world.logged('"accepted"', JSON.parse(body).data.session_id));
  equal((await world.origin.took(3)).body.toString(), body);
});

/** Returns the body of an event that was signed `ms` ago. `age` makes only stored data older, not the body of a retry. */
const signed = (ms, fields) => event({ ...fields, timestamp: new Date(Date.now() - ms).toISOString() });

for (const erased of [true, false]) {
  const how = erased ? "was erased" : "is past its retention";
  test(`a captured retry is not a new delivery while it is fresh, although the first delivery ${how}`, async (t) => {
    const world = await lasting(t, { MAX_EVENT_AGE: "72h", RETENTION: erased ? "7d" : "1s" });
    const session = { session_id: "s-1" };
    const id = await sendEvent(world, { ...session, timestamp: new Date().toISOString() });
    await world.until(id, erased ? "delivered" : "forgotten");
    await world.later(30 * MINUTE);
    equal(await resultOf(world, signed(0, session)), "duplicate");
    if (erased) equal((await world.ask("DELETE", `deliveries/${id}`)).erased, 1);

    await world.later(71 * HOUR + 40 * MINUTE);
    await world.until(id, ({ code }) => code === "not_found");
    equal(await resultOf(world, signed(71 * HOUR + 40 * MINUTE, session)), "duplicate");
    deepEqual(await idsOf(world, "s-1"), []);
    equal(requestsOf(world, "s-1").length, 1);
  });
}

test("a variant is not a new delivery while it is fresh, although earlier deliveries were removed", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "72h" });
  const session = { session_id: "s-1" };
  const other = { ...session, steps: [] };
  const id = await sendEvent(world, session);
  await world.until(id, "delivered");
  await world.later(DAY);
  equal(await resultOf(world, signed(0, other)), "variant");
  const [variant] = await idsOf(world, "s-1");
  for (const it of [id, variant]) equal((await world.ask("DELETE", `deliveries/${it}`)).erased, 1);

  await world.later(2 * DAY + 6 * MINUTE);
  await world.until(id, ({ code }) => code === "not_found");
  equal(await resultOf(world, signed(2 * DAY + 6 * MINUTE, other)), "duplicate");
  equal((await world.ask("GET", `deliveries/${variant}`)).state, "erased");

  // The same holds for its retry, once the variant is removed.
  await world.later(DAY);
  await world.until(variant, ({ code }) => code === "not_found");
  equal(await resultOf(world, signed(DAY, other)), "duplicate");
  deepEqual(await idsOf(world, "s-1"), []);
  equal(requestsOf(world, "s-1").length, 1);
});

test("the retry of an erased variant is not stored while the first delivery is kept", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "72h" });
  const session = { session_id: "s-1" };
  const other = { ...session, steps: [] };
  const id = await sendEvent(world, session);
  await world.until(id, "delivered");
  equal(await resultOf(world, event(other)), "variant");
  const [variant] = await idsOf(world, "s-1");
  await world.later(30 * MINUTE);
  equal(await resultOf(world, signed(0, other)), "duplicate");
  equal((await world.ask("DELETE", `deliveries/${variant}`)).erased, 1);

  await world.later(71 * HOUR + 40 * MINUTE);
  await world.until(variant, ({ code }) => code === "not_found");
  equal(await resultOf(world, signed(71 * HOUR + 40 * MINUTE, other)), "duplicate");
  deepEqual(await idsOf(world, "s-1"), [id]);
});

test("sends a test event again although its first delivery was removed, unless that was erased", async (t) => {
  const world = await lasting(t, { MAX_EVENT_AGE: "1h" });
  const body = JSON.stringify({ is_test: true, message: "This is a test" });
  const gone = async (id) => void (await world.until(id, ({ code }) => code === "not_found"));
  /** Posts the body, and checks that its delivery is the first with its ID. Returns the delivery ID. */
  const first = async () => {
    equal((await post(world.url, body)).status, 200);
    const [id] = await world.ids();
    equal((await world.until(id, "delivered")).kind, "first");
    return id;
  };
  const forgotten = await first();
  await world.later(30 * MINUTE);
  equal(await resultOf(world, body), "repeat");
  await world.restart((storage) => {
    age(storage, REMEMBERED - 24 * MINUTE);
    // Only the retention of this delivery is over.
    change(storage, "UPDATE deliveries SET ended = 0 WHERE kind = 'first'");
  });
  await world.edge.scheduled();
  await gone(forgotten);

  const erased = await first();
  equal((await world.ask("DELETE", `deliveries/${erased}`)).erased, 1);
  await world.later(30 * MINUTE);
  equal(await resultOf(world, body), "duplicate");
  await world.later(REMEMBERED - 24 * MINUTE);
  await gone(erased);
  equal(await resultOf(world, body), "duplicate");
});

test("a delivery is dead 3 days after its arrival or its last redelivery", async (t) => {
  const world = await lasting(t);
  const { origin } = world;
  origin.answer = fails({ "retry-after": "3600" });
  const tries = (id, count) => world.until(id, ({ attempts }) => attempts.length === count);
  const early = await sendEvent(world);
  await tries(early, 1);
  await world.later(3 * DAY - HOUR - MINUTE);
  const { state, sends } = await tries(early, 2);
  deepEqual([state, sends[0].reason], ["pending", null]);
  await world.later(HOUR + 2 * MINUTE);
  const [{ reason }] = (await world.until(early, "dead")).sends;
  equal(reason, "max_age");

  equal((await world.ask("POST", `deliveries/${early}/redeliver`)).status, 200);
  await world.later(3 * DAY - HOUR);
  equal((await world.ask("GET", `deliveries/${early}`)).state, "pending");
  await world.later(HOUR + MINUTE);
  await world.until(early, "dead");
});

test("sends a test event again 30 times an hour, and again after that hour", async (t) => {
  const world = await lasting(t);
  const body = JSON.stringify({ is_test: true, message: "This is a test" });
  /** Posts the body `times` times. Returns how often it was sent again, and how often only counted, so far. */
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
