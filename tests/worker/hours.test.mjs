// Alerts over hours: the edge raises one an hour for each cause, and tries to post each for at most an hour.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, change, lasting } from "./storage.mjs";
import { event, eventually, post, sign, startOrigin } from "./support.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/**
 * Starts an edge whose clock can be moved, and `alerts`, the receiver of its alerts. Tests may change `bindings`, which
 * are read at each restart.
 */
async function edge(t, bindings) {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const all = { ALERT_URL: alerts.url, MAX_ATTEMPTS: "1", ...bindings };
  return Object.assign(await lasting(t, all), { alerts, bindings: all });
}

/** Checks that alert number `count` is the last one, has the cause `cause`, and was raised at `from` or later. */
async function raised(alerts, count, cause, from) {
  const alert = JSON.parse((await alerts.took(count)).body);
  equal(alert.cause, cause);
  ok(alert.at >= from, `raised ${from - alert.at} ms too early`);
  equal(alerts.taken.length, count);
}

/**
 * Waits until the inbox has stored which key matched. The status is answered only after that is on the disk.
 */
async function keyIsStored({ logged, ask }, ...parts) {
  await logged('"keys"', ...parts);
  equal((await ask("GET", "status")).status, 200);
}

/** Waits until a delivery is accepted, so that the inbox has done its work. */
async function accepted({ url, origin, until, ids }) {
  origin.answer = (_, response) => response.end();
  equal((await post(url, event())).status, 200);
  await until((await ids())[0], "delivered");
}

/** Waits until a delivery is dead and the inbox has continued. */
async function dies(world) {
  world.origin.answer = (_, response) => response.writeHead(500).end();
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], "dead");
  for (let n = 0; n < 3; n++) await accepted(world);
}

test("raises one alert an hour for dead deliveries", async (t) => {
  const world = await edge(t);
  const { alerts } = world;
  const start = Date.now();
  await dies(world);
  await raised(alerts, 1, "dead", start);
  await dies(world);
  await world.later(59 * MINUTE);
  await dies(world);
  await world.later(MINUTE);
  const hour = Date.now();
  await dies(world);
  await raised(alerts, 2, "dead", hour);
});

test("retries an alert that can't be posted each minute, for an hour", async (t) => {
  const world = await edge(t);
  const { alerts } = world;
  alerts.answer = (_, response) => response.writeHead(500).end();
  /** Waits until the nth try has failed and the inbox has stored the failure. */
  const failed = async (count) => {
    await alerts.took(count);
    await world.logged('"alert_failed"');
    await world.ask("GET", "status");
  };
  await dies(world);
  await failed(1);
  await world.later(MINUTE / 2);
  await dies(world);
  equal(alerts.taken.length, 1);
  await world.later(MINUTE / 2);
  await failed(2);
  await world.later(57 * MINUTE);
  await failed(3);
  await world.later(MINUTE);
  await failed(4);
  // The next try would be an hour after the alert, so there is none.
  await world.later(MINUTE);
  for (let n = 0; n < 3; n++) await accepted(world);
  equal(alerts.taken.length, 4);
  alerts.answer = (_, response) => response.end();
  const hour = Date.now();
  await dies(world);
  await raised(alerts, 5, "dead", hour);
});

test("an alert says that the previous key matched after an hour without the current one", async (t) => {
  const world = await edge(t, {
    WALNUT_WEBHOOK_KEY_PREVIOUS: "before",
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + HOUR).toISOString(),
  });
  const signed = async (key) => {
    const body = event();
    equal((await post(world.url, body, { "x-walnut-signature": sign(body, key) })).status, 200);
    await keyIsStored(world);
  };
  await signed(undefined);
  await world.later(59 * MINUTE);
  // A late retry: the current key matched less than an hour before.
  await signed("before");
  await world.later(MINUTE);
  const hour = Date.now();
  await signed("before");
  await world.edge.scheduled();
  await raised(world.alerts, 1, "previous_key", hour);
});

test("an alert says that every request of an hour was rejected; an accepted request restarts the hour", async (t) => {
  const world = await edge(t);
  const refused = async (times) => {
    equal((await post(world.url, event(), { "x-walnut-signature": "0".repeat(64) })).status, 401);
    await eventually(async () => (await world.ask("GET", "status")).failures.signature_mismatch === times);
  };
  await refused(1);
  await accepted(world);
  await keyIsStored(world, '"current":1');
  await world.later(10 * MINUTE);
  await refused(2);
  await world.later(59 * MINUTE);
  await refused(3);
  const hour = Date.now();
  await world.later(MINUTE);
  await raised(world.alerts, 1, "all_failed", hour);
});

test("a duplicate does not restart the hour of rejections, because it may be a replay", { timeout: 600_000 }, async (t) => {
  const world = await edge(t);
  const refused = async (times) => {
    equal((await post(world.url, event(), { "x-walnut-signature": "0".repeat(64) })).status, 401);
    await eventually(async () => (await world.ask("GET", "status")).failures.signature_mismatch === times);
  };
  const captured = event();
  equal((await post(world.url, captured)).status, 200);
  await keyIsStored(world, '"current":1');
  const { current } = (await world.ask("GET", "status")).keys;
  await refused(1);
  await world.later(59 * MINUTE);
  equal((await post(world.url, captured)).status, 200);
  await world.logged('"duplicate"');
  await refused(2);
  equal((await world.ask("GET", "status")).keys.current, current - 59 * MINUTE);
  const hour = Date.now();
  await world.later(MINUTE);
  await raised(world.alerts, 1, "all_failed", hour);
});

test("a genuine event that could not be stored does not restart the hour of rejections", async (t) => {
  const world = await edge(t, { ALERT_SILENCE: "1h" });
  const refused = async (times) => {
    equal((await post(world.url, event(), { "x-walnut-signature": "0".repeat(64) })).status, 401);
    await eventually(async () => (await world.ask("GET", "status")).failures.signature_mismatch === times);
  };
  await accepted(world);
  await keyIsStored(world, '"current":1');
  const { current } = (await world.ask("GET", "status")).keys;
  await refused(1);
  await world.restart((storage) => {
    age(storage, 59 * MINUTE);
    change(storage, "CREATE TRIGGER broken BEFORE INSERT ON deliveries BEGIN SELECT RAISE(ABORT, 'broken'); END");
  });
  equal((await post(world.url, event())).code, "store_failed");
  await refused(2);
  equal((await world.ask("GET", "status")).keys.current, current - 59 * MINUTE);
  await world.later(MINUTE);
  await world.alerts.took(2);
  deepEqual(world.alerts.taken.map(({ body }) => JSON.parse(body).cause).sort(), ["all_failed", "silence"]);
});

test("held events count as received, and no alert is posted until the configuration is correct", async (t) => {
  const world = await edge(t, { ALERT_SILENCE: "1h" });
  await accepted(world);
  await keyIsStored(world, '"current":1');
  const { current } = (await world.ask("GET", "status")).keys;
  world.bindings.MAX_ATTEMPTS = "x";
  await world.later(59 * MINUTE);
  equal((await post(world.url, event())).status, 200);
  await world.logged('"held"');
  await eventually(async () => (await world.ask("GET", "status")).keys.current >= current);
  await world.later(61 * MINUTE);
  await world.logged('"misconfigured"');
  equal(world.alerts.taken.length, 0);
  world.bindings.MAX_ATTEMPTS = "1";
  const start = Date.now();
  await world.later(0);
  await raised(world.alerts, 1, "silence", start - MINUTE);
});

test("an alert says that nothing arrived for ALERT_SILENCE", async (t) => {
  const world = await edge(t, { ALERT_SILENCE: "1h" });
  await accepted(world);
  await keyIsStored(world);
  await world.later(59 * MINUTE);
  equal(world.alerts.taken.length, 0);
  const hour = Date.now();
  await world.later(MINUTE);
  await raised(world.alerts, 1, "silence", hour);
});
