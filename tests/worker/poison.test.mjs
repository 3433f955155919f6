// Deliveries that make a destination reset the connection do not delay other deliveries.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting } from "./storage.mjs";
import { event, post } from "./support.mjs";

const MINUTE = 60_000;

const destination = async ({ ask }) => (await ask("GET", "status")).destinations[0];

/** Starts an edge whose origin resets the connection of each request with one of the `poison` bodies. */
async function poisoned(t, bindings) {
  const world = await lasting(t, bindings);
  const poison = new Set();
  world.origin.answer = (request, response, body) => {
    if (poison.has(body.toString())) request.socket.destroy();
    else response.end();
  };
  return Object.assign(world, { poison });
}

test("sends a healthy event within the hour though 20 before it make the destination reset the connection", { timeout: 600_000 }, async (t) => {
  const world = await poisoned(t);
  for (let n = 0; n < 20; n++) {
    const body = event();
    world.poison.add(body);
    equal((await post(world.url, body)).status, 200);
  }
  const healthy = event();
  equal((await post(world.url, healthy)).status, 200);
  const isTaken = () => world.origin.taken.some(({ body }) => body.toString() === healthy);
  let waited = 0;
  while (!isTaken()) {
    const { state, heldUntil } = await destination(world);
    const wait = heldUntil - Date.now();
    if (state !== "held" || wait <= 0) continue;
    waited += wait;
    ok(waited < 60 * MINUTE, `${Math.round(waited / MINUTE)} minutes`);
    await world.later(wait);
  }
  t.diagnostic(`sent after ${Math.round(waited / 1000)} s`);
  const [id] = await world.ids("?limit=1");
  await world.until(id, "delivered");
});

test("never holds a destination because of a single delivery", async (t) => {
  const world = await poisoned(t);
  const poison = event();
  world.poison.add(poison);
  equal((await post(world.url, poison)).status, 200);
  const [id] = await world.ids();
  for (let attempts = 4; attempts <= 7; attempts++) {
    await world.until(id, (delivery) => delivery.attempts.length >= attempts);
    equal((await destination(world)).heldUntil, null);
    await world.later(5 * MINUTE);
  }
  const body = event();
  equal((await post(world.url, body)).status, 200);
  await world.until((await world.ids("?limit=1"))[0], "delivered");
  equal((await destination(world)).heldUntil, null);
});
