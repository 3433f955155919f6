// Alerts tell the operator within minutes that a destination fails, and that it has recovered.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, lasting } from "./storage.mjs";
import { event, post, startOrigin } from "./support.mjs";

const MINUTE = 60_000;

/** Starts an edge whose clock can be moved, and `alerts`, the receiver of its alerts. */
async function edge(t, bindings) {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await lasting(t, { ALERT_URL: alerts.url, ...bindings });
  return Object.assign(world, { alerts });
}

const alert = ({ body }) => JSON.parse(body);
const destination = async ({ ask }) => (await ask("GET", "status")).destinations[0];

/** Sends one event, and waits for its first attempt. */
async function attempted(world) {
  equal((await post(world.url, event())).status, 200);
  const [id] = await world.ids();
  return world.until(id, ({ attempts }) => attempts.length >= 1);
}

test("raises an alert 5 minutes after the first of 3 failures, and another when the destination recovers", async (t) => {
  const world = await edge(t);
  const { alerts, origin } = world;
  origin.answer = (_, response) => response.writeHead(500).end();
  const first = Date.now();
  equal((await post(world.url, event())).status, 200);
  await origin.took(3);
  const { deliveryId } = await world.until((await world.ids())[0], ({ attempts }) => attempts.length >= 3);
  const status = await destination(world);
  ok(status.failingSince >= first && status.failures >= 3);
  equal(alerts.taken.length, 0);

  await world.later(5 * MINUTE);
  const failing = alert(await alerts.took(1));
  deepEqual([failing.cause, failing.destination], ["failing", "origin"]);
  ok(failing.text.includes("status 500"), failing.text);
  equal((await destination(world)).state, "failing");

  origin.answer = (_, response) => response.end();
  await world.later(10 * MINUTE);
  await world.until(deliveryId, "delivered");
  let recovered = failing;
  for (let n = 2; recovered.cause === "failing"; n++) recovered = alert(await alerts.took(n));
  deepEqual([recovered.cause, recovered.destination], ["recovered", "origin"]);
  deepEqual([(await destination(world)).state, (await destination(world)).failingSince], ["ok", null]);
});

test("raises no failing alert after only 2 failures", async (t) => {
  const world = await edge(t, { MAX_ATTEMPTS: "2" });
  const { alerts, origin } = world;
  origin.answer = (_, response) => response.writeHead(500).end();
  const { deliveryId } = await attempted(world);
  await world.until(deliveryId, "dead");
  equal(alert(await alerts.took(1)).cause, "dead");
  await world.later(10 * MINUTE);
  equal((await destination(world)).state, "ok");
  ok(alerts.taken.every((it) => alert(it).cause === "dead"));
});

test("raises an alert at once when a destination rejects a delivery", async (t) => {
  const world = await edge(t);
  world.origin.answer = (_, response) => response.writeHead(404).end();
  await attempted(world);
  const { cause, destination, text } = alert(await world.alerts.took(1));
  deepEqual([cause, destination], ["failing", "origin"]);
  ok(text.includes("status 404"), text);
});

test("repeats the alert each hour while the destination fails, in any shard", async (t) => {
  const world = await edge(t, { SHARDS: "4" });
  const { alerts, origin } = world;
  origin.answer = (_, response) => response.writeHead(404).end();
  for (let n = 0; n < 8; n++) await attempted(world);
  equal(alert(await alerts.took(1)).cause, "failing");
  // An edge that is stopped while it posts an alert posts it again.
  await world.later(MINUTE);
  const posted = alerts.taken.length;
  await world.later(58 * MINUTE);
  equal(alerts.taken.length, posted);
  await world.later(2 * MINUTE);
  equal(alert(await alerts.took(posted + 1)).cause, "failing");
});

test("a destination that answers 410 is failing, and the alert of a dead delivery names it", async (t) => {
  const world = await edge(t);
  world.origin.answer = (_, response) => response.writeHead(410).end();
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], "dead");
  const alerts = [await world.alerts.took(1), await world.alerts.took(2)].map(alert);
  deepEqual(alerts.map(({ cause, destination }) => `${cause} ${destination}`).sort(), ["dead origin", "failing origin"]);
  await world.restart();
  const { state, failures, lastStatus } = await destination(world);
  deepEqual([state, failures, lastStatus], ["failing", 1, 410]);
});

test("counts failures in a row through a restart", async (t) => {
  const world = await edge(t);
  world.origin.answer = (_, response) => response.writeHead(500).end();
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], ({ attempts }) => attempts.length >= 4);
  world.origin.answer = () => {};
  await world.restart();
  ok((await destination(world)).failures >= 4);
});

test("reports how and since when an unreachable destination fails", async (t) => {
  const world = await edge(t);
  world.origin.answer = (request) => request.socket.destroy();
  for (let n = 0; n < 3; n++) await attempted(world);
  let status = await destination(world);
  while (status.state !== "held") status = await destination(world);
  ok(status.failingSince > 0 && status.heldUntil > 0);
  ok(["reset", "refused"].includes(status.how), status.how);
});
