// A paused destination receives nothing, and loses nothing.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting, select } from "./storage.mjs";
import { admin, deferred, DURABLE, event, eventually, post, start, startOrigin, TOKEN } from "./support.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const destination = async ({ ask }, name = "origin") =>
  (await ask("GET", "status")).destinations.find((it) => it.name === name);
const pause = ({ ask }, name = "origin") => ask("POST", `destinations/${name}/pause`);
const resume = ({ ask }, name = "origin") => ask("POST", `destinations/${name}/resume`);

async function pendingIs(world, count, name) {
  await eventually(async () => (await destination(world, name)).pending === count);
}

test("sends nothing to a paused destination, and all its deliveries once it is resumed", async (t) => {
  const mail = await startOrigin();
  t.after(mail.stop);
  const world = await start(t, (origin) => ({
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    SHARDS: "2",
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "crm", url: origin.url }, { name: "mail", url: mail.url }]),
  }));
  Object.assign(world, admin(world.edge));
  const before = Date.now();
  const paused = await pause(world, "crm");
  equal(paused.status, 200);
  ok(paused.pausedSince >= before && paused.name === "crm");
  const bodies = Array.from({ length: 30 }, () => event());
  for (const body of bodies) equal((await post(world.url, body)).status, 200);
  await mail.took(30);
  await pendingIs(world, 30, "crm");
  equal(world.origin.taken.length, 0);
  equal((await destination(world, "crm")).state, "paused");
  deepEqual((await pause(world, "crm")).pausedSince, paused.pausedSince);

  deepEqual((await resume(world, "crm")).pausedSince, null);
  for (const id of await world.ids()) await world.until(id, "delivered");
  deepEqual(world.origin.taken.map(({ body }) => body.toString()).sort(), bodies.sort());
  equal((await destination(world, "crm")).state, "ok");
});

test("suggests the right name when an unknown one is paused or resumed", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  for (const change of [pause, resume]) {
    const near = await change(world, "orgin");
    deepEqual([near.status, near.error], [404, { code: "not_found", message: "no destination has this name: did you mean origin?" }]);
    const far = await change(world, "crm");
    deepEqual([far.status, far.error], [404, { code: "not_found", message: "no destination has this name: use origin" }]);
  }
});

test("lets requests in flight finish", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  const answer = deferred();
  world.origin.answer = (_, response) => answer.promise.then(() => response.end());
  equal((await post(world.url, event())).status, 200);
  await world.origin.took(1);
  await pause(world);
  answer.resolve();
  await world.until((await world.ids())[0], "delivered");
});

test("stays paused through a restart, and does not count the pause as age of pending deliveries", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "1h" });
  world.origin.answer = (_, response) => response.writeHead(500, { "retry-after": "600" }).end();
  equal((await post(world.url, event())).status, 200);
  const [id] = await world.ids();
  await world.until(id, ({ attempts }) => attempts.length === 1);
  await pause(world);
  await world.later(2 * DAY);
  equal((await destination(world)).state, "paused");
  equal((await world.ask("GET", `deliveries/${id}`)).state, "pending");
  equal(world.origin.taken.length, 1);
  world.origin.answer = (_, response) => response.writeHead(500).end();
  await resume(world);
  await world.until(id, ({ attempts }) => attempts.length >= 2);
  equal((await world.ask("GET", `deliveries/${id}`)).state, "pending");
  await world.later(HOUR);
  await world.until(id, "dead");
});

test("after a pause of 4 days, deliveries keep their times of arrival, and MAX_DELIVERY_AGE does not count the pause", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "1h" });
  world.origin.answer = (_, response) => response.writeHead(404).end();
  const sent = async () => {
    equal((await post(world.url, event())).status, 200);
    const [id] = await world.ids("?limit=1");
    await world.until(id, ({ attempts }) => attempts.length === 1);
    return id;
  };
  const later = async (ms, id, count) => {
    await world.later(ms);
    return world.until(id, ({ attempts }) => attempts.length >= count);
  };
  const early = await sent();
  await later(30 * MINUTE, early, 2);
  await pause(world);
  await world.later(4 * DAY);
  await resume(world);
  await world.until(early, ({ attempts }) => attempts.length === 3);
  const before = Date.now();
  const late = await sent();
  await world.restart((storage) => {
    const sends = select(storage, "SELECT sends FROM deliveries ORDER BY key").map(({ sends }) => JSON.parse(sends)[0]);
    const [ages, paused] = [sends.map(({ began }) => Date.now() - began), sends.map(({ paused }) => paused ?? 0)];
    ok(sends[1].began >= before && ages[1] < HOUR, `arrived ${ages[1]} ms ago`);
    ok(ages[0] >= 4 * DAY + 30 * MINUTE && ages[0] < 4 * DAY + 31 * MINUTE, `arrived ${ages[0]} ms ago`);
    ok(paused[0] === 0 && paused[1] >= 4 * DAY && paused[1] < 4 * DAY + MINUTE, paused.join());
  });
  const states = async () => Promise.all([early, late].map(async (id) => (await world.ask("GET", `deliveries/${id}`)).state));
  await later(20 * MINUTE, early, 4);
  deepEqual(await states(), ["pending", "pending"]);
  await later(11 * MINUTE, early, 5);
  deepEqual(await states(), ["dead", "pending"]);
  await later(20 * MINUTE, late, 4);
  deepEqual(await states(), ["dead", "pending"]);
  await later(11 * MINUTE, late, 5);
  deepEqual(await states(), ["dead", "dead"]);
});

test("after a resume, sends pending deliveries in the order of arrival, tried before or not", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  world.origin.answer = (_, response) => response.writeHead(404).end();
  const bodies = Array.from({ length: 12 }, () => event());
  for (const body of bodies.slice(0, 6)) equal((await post(world.url, body)).status, 200);
  for (const id of await world.ids()) await world.until(id, ({ attempts }) => attempts.length === 1);
  await pause(world);
  for (const body of bodies.slice(6)) equal((await post(world.url, body)).status, 200);
  await pendingIs(world, 12);
  world.origin.answer = (_, response) => response.end();
  const before = world.origin.taken.length;
  await resume(world);
  for (const id of await world.ids()) await world.until(id, "delivered");
  const sent = world.origin.taken.slice(before).map(({ body }) => bodies.indexOf(body.toString()));
  // Two are in flight at a time, so neighbours may be swapped.
  for (const [place, index] of sent.entries()) ok(Math.abs(place - index) <= 1, sent.join());
});

test("after a resume, sends the oldest delivery first, even if its retry became due during the pause", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  world.origin.answer = (_, response) => response.writeHead(500).end();
  const bodies = Array.from({ length: 6 }, () => event());
  equal((await post(world.url, bodies[0])).status, 200);
  const [oldest] = await world.ids();
  await world.until(oldest, ({ attempts }) => attempts.length >= 4); // so the next retry is up to 8 s away
  await pause(world);
  for (const body of bodies.slice(1)) equal((await post(world.url, body)).status, 200);
  await world.until(oldest, ({ sends: [{ due }] }) => due < Date.now());
  world.origin.answer = (_, response) => response.end();
  const before = world.origin.taken.length;
  await resume(world);
  for (const id of await world.ids()) await world.until(id, "delivered");
  const sent = world.origin.taken.slice(before).map(({ body }) => bodies.indexOf(body.toString()));
  ok(sent.indexOf(0) <= 1, sent.join()); // two are in flight at a time
});

test("after a resume, pending deliveries are due at once", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  world.origin.answer = (_, response) => response.writeHead(404).end();
  for (let n = 0; n < 120; n++) equal((await post(world.url, event())).status, 200);
  const ids = [...(await world.ids("?limit=200"))];
  for (const id of ids) await world.until(id, ({ attempts }) => attempts.length === 1);
  await pause(world);
  world.origin.answer = (_, response) => response.end();
  await resume(world);
  for (const id of ids) await world.until(id, "delivered");
});

test("raises one alert after a day of pause, and resumes after 7 days", async (t) => {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await lasting(t, { ALERT_URL: alerts.url });
  await pause(world);
  equal((await post(world.url, event())).status, 200);
  await pendingIs(world, 1);
  await world.later(DAY - MINUTE);
  equal(alerts.taken.length, 0);
  await world.later(2 * MINUTE);
  const { cause, destination: name } = JSON.parse((await alerts.took(1)).body);
  deepEqual([cause, name], ["paused", "origin"]);
  // An edge that is stopped while it posts an alert posts it again.
  await world.later(MINUTE);
  const posted = alerts.taken.length;
  await world.later(5 * DAY);
  equal((await destination(world)).state, "paused");
  equal(alerts.taken.length, posted);
  await world.later(DAY);
  await world.until((await world.ids())[0], "delivered");
  equal((await destination(world)).pausedSince, null);
});

test("answers 404 for an unknown name, and 405 for another method", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  for (const name of ["crm", "", "%00", "origin/x"]) equal((await pause(world, name)).status, 404, name);
  equal((await world.ask("GET", "destinations/origin/pause")).status, 405);
  equal((await world.ask("POST", "destinations/origin/stop")).status, 404);
});
