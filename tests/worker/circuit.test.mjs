// The edge holds a destination that asks for a wait or can't be reached, and then probes it.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age, lasting } from "./storage.mjs";
import { admin, DURABLE, event, eventually, post, start, startOrigin, TOKEN } from "./support.mjs";

const MINUTE = 60_000;

/** Sends `count` events, and waits until each is stored. */
async function send(url, count) {
  const bodies = Array.from({ length: count }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  return bodies;
}

const destination = async (world) => (await world.ask("GET", "status")).destinations[0];

/** Waits until the status of the only destination meets a condition. */
const destinationUntil = (world, is) =>
  eventually(async () => {
    const status = await destination(world);
    return is(status) && status;
  });

for (const [title, status, headers] of [
  ["429 with Retry-After", 429, { "retry-after": "600" }],
  ["503 with Retry-After", 503, { "retry-after": "600" }],
]) {
  test(`sends at most 2 requests to a destination that answers ${title}, until the time is over`, async (t) => {
    const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
    Object.assign(world, admin(world.edge));
    world.origin.answer = (_, response) => response.writeHead(status, headers).end();
    await send(world.url, 300);
    const held = await destinationUntil(world, ({ state, pending }) => state === "held" && pending === 300);
    ok(held.heldUntil > Date.now() + 20_000, `held for ${held.heldUntil - Date.now()} ms`);
    await send(world.url, 10);
    equal((await destinationUntil(world, ({ pending }) => pending === 310)).state, "held");
    ok(world.origin.taken.length <= 2, `${world.origin.taken.length} requests`);
  });
}

test("holds a destination through a restart, probes it with one request, and then sends all deliveries", async (t) => {
  const world = await lasting(t);
  world.origin.answer = (_, response) => response.writeHead(429, { "retry-after": "60" }).end();
  const bodies = await send(world.url, 20);
  await destinationUntil(world, ({ state, pending }) => state === "held" && pending === 20);
  const before = world.origin.taken.length;
  await world.restart((storage) => age(storage, MINUTE - 20_000));
  await world.edge.scheduled();
  equal((await destination(world)).state, "held");
  equal(world.origin.taken.length, before);

  world.origin.most = 0;
  const answers = [];
  world.origin.answer = (_, response) => {
    answers.push(world.origin.now);
    response.end();
  };
  await world.later(20_000);
  for (const id of await world.ids()) await world.until(id, "delivered");
  equal(answers[0], 1, "the probe is the only request in flight");
  const sent = world.origin.taken.slice(before).map(({ body }) => body.toString());
  deepEqual([...sent].sort(), bodies.sort());
  equal((await destination(world)).state, "ok");
});

test("probes of an unreachable destination do not count as attempts", async (t) => {
  const world = await lasting(t, { MAX_ATTEMPTS: "6" });
  world.origin.answer = (request) => request.socket.destroy();
  await send(world.url, 3);
  await destinationUntil(world, ({ state }) => state === "held");
  for (let probes = 0; probes < 12; probes++) {
    const before = world.origin.taken.length;
    await world.later(5 * MINUTE);
    await world.origin.took(before + 1);
    await destinationUntil(world, ({ heldUntil }) => heldUntil !== null);
  }
  const ids = await world.ids();
  const deliveries = await Promise.all(ids.map((id) => world.ask("GET", `deliveries/${id}`)));
  for (const { state, sends } of deliveries) ok(state === "pending" && sends[0].attempts < 6, `${state} after ${sends[0].attempts} attempts`);
  ok(deliveries.reduce((sum, { attempts }) => sum + attempts.length, 0) >= 15);
  world.origin.answer = (_, response) => response.end();
  await world.later(5 * MINUTE);
  for (const id of ids) await world.until(id, "delivered");
});

test("one delivery that makes a destination hang does not delay others for long", async (t) => {
  const world = await lasting(t, { ORIGIN_TIMEOUT: "200ms" });
  const poison = event();
  world.origin.answer = (_, response, body) => body.toString() !== poison && response.end();
  equal((await post(world.url, poison)).status, 200);
  const bodies = await send(world.url, 10);
  const ids = (await world.ids()).slice(0, 10);
  for (const id of ids) await world.until(id, "delivered");
  const others = world.origin.taken.map(({ body }) => body.toString()).filter((body) => body !== poison);
  deepEqual(others.sort(), bodies.sort());
});

test("a delivery to a destination that stays held is dead after MAX_DELIVERY_AGE, attempted or not", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "1h" });
  world.origin.answer = (_, response) => response.writeHead(429, { "retry-after": "3600" }).end();
  await send(world.url, 5);
  await destinationUntil(world, ({ state, pending }) => state === "held" && pending === 5);
  const before = world.origin.taken.length;
  await world.later(60 * MINUTE - 30_000);
  equal((await world.ask("GET", "status")).deliveries.dead, 0);
  await world.later(MINUTE);
  for (const id of await world.ids()) await world.until(id, "dead");
  ok(world.origin.taken.length <= before + 3, `${world.origin.taken.length - before} more requests`);
});

test("ends 300 deliveries that are too old for a held destination within one cron trigger", async (t) => {
  const world = await lasting(t, { MAX_DELIVERY_AGE: "2h" });
  world.origin.answer = (_, response) => response.writeHead(429, { "retry-after": "3600" }).end();
  await send(world.url, 300);
  await destinationUntil(world, ({ state, pending }) => state === "held" && pending === 300);
  const before = world.origin.taken.length;
  await world.later(2 * 60 * MINUTE + MINUTE);
  await eventually(async () => (await world.ask("GET", "status")).deliveries.dead >= 300);
  ok(world.origin.taken.length <= before + 2, `${world.origin.taken.length - before} more requests`);
});

test("retries a rejection slowly, and a failure quickly", async (t) => {
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  Object.assign(world, admin(world.edge));
  for (const [status, isSlow] of [[400, true], [401, true], [403, true], [404, true], [405, true], [413, true], [415, true], [422, true], [409, false], [500, false]]) {
    world.origin.answer = (_, response) => response.writeHead(status).end();
    await send(world.url, 1);
    const [id] = await world.ids();
    const { sends, attempts } = await world.until(id, (delivery) => delivery.attempts.length >= 1);
    const wait = sends[0].due - attempts[0].at - attempts[0].ms;
    equal(wait >= 30_000, isSlow, `${status}: ${wait} ms`);
  }
});

test("410 ends a delivery to that destination at once", async (t) => {
  const other = await startOrigin();
  t.after(other.stop);
  const world = await start(t, (origin) => ({
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "gone", url: origin.url }, { name: "crm", url: other.url }]),
  }));
  Object.assign(world, admin(world.edge));
  world.origin.answer = (_, response) => response.writeHead(410).end();
  await send(world.url, 1);
  const { sends } = await world.until((await world.ids())[0], "dead");
  deepEqual(sends.map(({ destination, state, reason }) => [destination, state, reason]), [["gone", "dead", "gone"], ["crm", "delivered", null]]);
  equal(world.origin.taken.length, 1);
});
