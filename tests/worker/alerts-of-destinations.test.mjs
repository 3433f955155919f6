// The alerts about destinations: each is correct, is raised once, and delays no delivery.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting, select } from "./storage.mjs";
import { event, post, startOrigin } from "./support.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const rejects = (_, response) => response.writeHead(404).end();
const fails = (_, response) => response.writeHead(503).end();
const accepts = (_, response) => response.end();

/** Starts an edge whose clock can be moved, and `alerts`, the receiver of its alerts. */
async function edge(t, bindings = {}) {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await lasting(t, Object.assign(bindings, { ALERT_URL: alerts.url }));
  return Object.assign(world, { alerts });
}

/** Starts such an edge with an origin in `origins` for each name. Each destination wants the events of its own name. */
async function named(t, ...names) {
  const origins = {};
  for (const name of names) {
    origins[name] = await startOrigin();
    t.after(origins[name].stop);
  }
  const bindings = { ORIGIN_URL: undefined };
  const configure = (...some) => {
    const one = (name) => ({ name, url: origins[name].url, events: [name] });
    bindings.DESTINATIONS = JSON.stringify(some.map(one));
  };
  configure(...names);
  return Object.assign(await edge(t, bindings), { origins, configure });
}

const destination = async ({ ask }, name = "origin") =>
  (await ask("GET", "status")).destinations.find((it) => it.name === name);
const raised = ({ alerts }) => alerts.taken.map(({ body }) => JSON.parse(body)).map(({ cause, destination }) => `${cause} ${destination}`);

/** Waits until exactly these alerts were posted. An alert that is posted while the edge is stopped may be posted again. */
async function alertsAre(world, ...expected) {
  const distinct = () => raised(world).filter((it, index, all) => it !== all[index - 1]);
  for (let n = 1; distinct().length < expected.length; n++) await world.alerts.took(n);
  deepEqual(distinct(), expected);
}

/** Sends one event, and waits until its delivery has at least `count` attempts. */
async function attempted(world, fields, count = 1) {
  equal((await post(world.url, event(fields))).status, 200);
  const [id] = await world.ids("?limit=1");
  return world.until(id, ({ attempts }) => attempts.length >= count);
}

for (const [title, secondAnswer] of [["a status that rejects", rejects], ["a status that fails", fails]]) {
  test(`reports a second failure of a destination within 6 minutes of its recovery: ${title}`, async (t) => {
    const world = await edge(t);
    world.origin.answer = rejects;
    await attempted(world);
    await alertsAre(world, "failing origin");
    world.origin.answer = accepts;
    await world.later(2 * MINUTE);
    await alertsAre(world, "failing origin", "recovered origin");
    world.origin.answer = secondAnswer;
    await attempted(world, {}, secondAnswer === fails ? 3 : 1);
    await world.later(6 * MINUTE);
    await alertsAre(world, "failing origin", "recovered origin", "failing origin");
  });
}

test("reports no recovery while a destination fails in another way, through a restart", async (t) => {
  const world = await edge(t);
  world.origin.answer = rejects;
  const { deliveryId } = await attempted(world);
  await world.alerts.took(1);
  world.origin.answer = fails;
  await world.later(MINUTE);
  await world.until(deliveryId, ({ attempts }) => attempts.length >= 2);
  await world.restart();
  await world.edge.scheduled();
  await attempted(world);
  equal((await destination(world)).state, "failing");
  await world.restart((storage) => deepEqual(select(storage, "SELECT cause FROM alerts"), [{ cause: "failing origin" }]));
  world.origin.answer = accepts;
  await world.later(HOUR / 2);
  await alertsAre(world, "failing origin", "recovered origin");
});

test("after a restart too, a rejection soon after a success is reported only after 5 minutes", async (t) => {
  const world = await edge(t);
  await attempted(world);
  world.origin.answer = rejects;
  await attempted(world);
  await world.restart();
  await attempted(world);
  deepEqual(raised(world), []);
  await world.later(6 * MINUTE);
  await alertsAre(world, "failing origin");
});

test("if a destination asks for a wait of an hour while events wait, raises an alert after 5 minutes", async (t) => {
  const world = await edge(t);
  world.origin.answer = (_, response) => response.writeHead(503, { "retry-after": "3600" }).end();
  await attempted(world);
  for (let n = 0; n < 3; n++) equal((await post(world.url, event())).status, 200);
  await world.later(4 * MINUTE);
  equal((await destination(world)).state, "held");
  equal(world.alerts.taken.length, 0);
  await world.later(2 * MINUTE);
  await world.alerts.took(1);
  deepEqual(raised(world), ["failing origin"]);
});

test("reports no failure of a destination that rejects one event in ten, and accepts the others", async (t) => {
  const world = await named(t, "crm", "other");
  const rejected = new Set();
  world.origins.crm.answer = (_, response, body) => response.writeHead(rejected.has(body.toString()) ? 422 : 200).end();
  for (let hour = 0; hour < 2; hour++) {
    const bad = event({ event: "crm" });
    rejected.add(bad);
    for (let n = 0; n < 10; n++) {
      equal((await post(world.url, n === 5 ? bad : event({ event: "crm" }))).status, 200);
      await world.until((await world.ids("?limit=1"))[0], ({ attempts }) => attempts.length >= 1);
    }
    await world.later(HOUR + MINUTE);
  }
  // An alert about the first destination would be posted before this one.
  world.origins.other.answer = rejects;
  await attempted(world, { event: "other" });
  await world.alerts.took(1);
  deepEqual(raised(world), ["failing other"]);
});

test("does not repeat the alert of a destination without waiting deliveries", async (t) => {
  const world = await named(t, "crm", "other");
  world.origins.crm.answer = rejects;
  const { deliveryId } = await attempted(world, { event: "crm" });
  await world.alerts.took(1);
  equal((await world.ask("DELETE", `deliveries/${deliveryId}`)).erased, 1);
  for (let hour = 0; hour < 3; hour++) await world.later(HOUR + MINUTE);
  world.origins.other.answer = rejects;
  await attempted(world, { event: "other" });
  await alertsAre(world, "failing crm", "failing other");
});

test("does not report a destination that is added again as failing", async (t) => {
  const world = await named(t, "crm", "other");
  const { origins } = world;
  origins.crm.answer = rejects;
  const { deliveryId } = await attempted(world, { event: "crm" });
  await world.alerts.took(1);
  equal((await world.ask("DELETE", `deliveries/${deliveryId}`)).erased, 1);
  world.configure("other");
  await world.later(2 * HOUR);
  world.configure("crm", "other");
  await world.later(2 * HOUR);
  const { state, failingSince, failures } = await destination(world, "crm");
  deepEqual([state, failingSince, failures], ["ok", null, 0]);
  origins.other.answer = rejects;
  await attempted(world, { event: "other" });
  await world.alerts.took(2);
  deepEqual(raised(world), ["failing crm", "failing other"]);
});

test("while ALERT_URL hangs and 8 destinations reject, sends to another one at once, and sends nothing twice", async (t) => {
  const bad = Array.from({ length: 8 }, (_, n) => `bad-${n}`);
  const world = await named(t, "good", ...bad);
  world.alerts.answer = () => {};
  for (const name of bad) world.origins[name].answer = rejects;
  for (const name of bad) await attempted(world, { event: name });
  await world.alerts.took(1);
  for (let n = 0; n < 20; n++) await attempted(world, { event: "good" });
  equal(world.alerts.now, 1, "an alert still hangs");
  for (const [name, { taken }] of Object.entries(world.origins)) equal(taken.length, name === "good" ? 20 : 1, name);
  ok(!world.lines.some((line) => line.includes("inbox_ended")), "the inbox was restarted");
});
