// Destinations that are removed from the configuration, renamed, or added again.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting } from "./storage.mjs";
import { event, post, TOKEN } from "./support.mjs";

const HOUR = 3_600_000;

/** Starts an edge with one destination, which `world.rename` renames. */
async function named(t, name, more = {}) {
  const bindings = { ...more, DESTINATIONS: undefined };
  const world = await lasting(t, bindings);
  const url = world.origin.url;
  const rename = (name) => {
    bindings.ORIGIN_URL = undefined;
    bindings.DESTINATIONS = JSON.stringify([{ name, url }]);
    return world.restart();
  };
  await rename(name);
  return Object.assign(world, { rename });
}

/** Posts an event that its destination does not accept. Returns the ID of the delivery. */
async function waiting(world) {
  world.origin.answer = (_, response) => response.writeHead(500, { "retry-after": "1" }).end();
  equal((await post(world.url, event())).status, 200);
  const [id] = await world.ids();
  await world.until(id, ({ attempts }) => attempts.length >= 1);
  return id;
}

test("sends the waiting deliveries of a destination as soon as it is configured again", async (t) => {
  const world = await named(t, "crm");
  const id = await waiting(world);
  await world.rename("other");
  await world.edge.scheduled();
  await world.rename("crm");
  world.origin.answer = (_, response) => response.end();
  const before = Date.now();
  await world.edge.scheduled();
  await world.until(id, "delivered");
  ok(Date.now() - before < HOUR);
});

test("delivers a new event while an older one waits for the former name of the destination", async (t) => {
  const world = await named(t, "crm");
  const first = await waiting(world);
  await world.rename("other");
  world.origin.answer = (_, response) => response.end();
  equal((await post(world.url, event())).status, 200);
  const [second] = await world.ids();
  await world.until(second, "delivered");
  equal((await world.ask("GET", `deliveries/${first}`)).state, "pending");
});

test("reports deliveries that wait for an unconfigured destination", async (t) => {
  const world = await named(t, "crm");
  await waiting(world);
  await world.rename("other");
  await world.edge.scheduled();
  const { stranded, warnings, destinations } = await world.ask("GET", "status");
  deepEqual(stranded, [{ name: "crm", pending: 1 }]);
  deepEqual(destinations.map(({ name }) => name), ["other"]);
  match(warnings.join(), /pending for crm, which is not a destination: 1/);
  const metrics = await fetch(`${world.edge.url}/admin/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  match(await metrics.text(), /^walnut_stranded\{destination="crm"\} 1$/m);
});

test("a delivery to a destination that stays removed is dead after MAX_DELIVERY_AGE", async (t) => {
  const world = await named(t, "crm", { MAX_DELIVERY_AGE: "1h" });
  const id = await waiting(world);
  await world.rename("other");
  await world.later(HOUR - 60_000);
  equal((await world.ask("GET", `deliveries/${id}`)).state, "pending");
  await world.later(120_000);
  const { sends } = await world.until(id, "dead");
  deepEqual(sends.map(({ destination, reason }) => [destination, reason]), [["crm", "destination_removed"]]);
});

test("an untried delivery to a removed destination waits like any other", async (t) => {
  const world = await named(t, "crm");
  world.origin.answer = () => {};
  for (let n = 0; n < 5; n++) equal((await post(world.url, event())).status, 200);
  const ids = await world.ids();
  await world.rename("other");
  await world.edge.scheduled();
  equal((await world.ask("GET", "status")).stranded[0].pending, 5);
  world.origin.answer = (_, response) => response.end();
  await world.rename("crm");
  await world.edge.scheduled();
  for (const id of ids) await world.until(id, "delivered");
});
