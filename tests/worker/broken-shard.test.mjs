// A shard whose database can't be read: the others accept, deliver and answer.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting, spoil } from "./storage.mjs";
import { event, inShard, post, TOKEN } from "./support.mjs";

const SHARDS = 4;
const idOf = (body) => `demo_session_finished:${JSON.parse(body).data.session_id}`;

/** An edge with deliveries in each of its shards; then one shard is unreadable. */
async function broken(t, shard, bindings = {}) {
  const world = await lasting(t, Object.assign(bindings, { SHARDS: String(SHARDS) }));
  world.before = Array.from({ length: SHARDS * 2 }, (_, n) => inShard(n % SHARDS, SHARDS));
  for (const body of world.before) equal((await post(world.url, body)).status, 200);
  for (const id of await world.ids()) await world.until(id, "delivered");
  world.stored = await world.ids();
  await world.again((storage) => spoil(storage, idOf(world.before[shard])));
  return world;
}

for (const shard of [0, 2]) {
  test(`while shard ${shard} can't be read, every event of the other shards is accepted and delivered`, async (t) => {
    const { url, origin, before, edge, storage, ...world } = await broken(t, shard);
    const had = origin.taken.length;
    const bodies = Array.from({ length: 60 }, (_, n) => ({ of: n % SHARDS, body: inShard(n % SHARDS, SHARDS) }));
    const answers = await Promise.all(bodies.map(({ body }) => post(url, body)));
    for (const [n, { of }] of bodies.entries()) {
      deepEqual(answers[n], of === shard ? { status: 503, code: "store_failed" } : { status: 200, code: undefined }, `shard ${of}`);
    }
    await origin.took(had + 45);
    const sent = origin.taken.slice(had).map(({ body }) => body.toString());
    deepEqual(sent.sort(), bodies.filter(({ of }) => of !== shard).map(({ body }) => body).sort());
    // Duplicates are recognized, and the cron trigger reaches the other shards.
    equal((await post(url, before[1])).status, 200);
    await edge.scheduled();
    equal((await post(url, inShard(1, SHARDS))).status, 200);
    await origin.took(had + 46);
    ok(await world.logged("inbox_failed"));
  });

  test(`while shard ${shard} can't be read, list, status and metrics name it, and show the others`, async (t) => {
    const { ask, stored, edge, until } = await broken(t, shard);
    const healthy = stored.filter((id) => !id.startsWith(`${shard}-`));
    const listed = await ask("GET", "deliveries");
    deepEqual([listed.status, listed.brokenShards], [200, [shard]]);
    deepEqual(listed.deliveries.map(({ deliveryId }) => deliveryId), healthy);
    const { status, shards, brokenShards, deliveries } = await ask("GET", "status");
    deepEqual([status, shards, brokenShards, deliveries.delivered], [200, SHARDS, [shard], healthy.length]);
    const response = await fetch(`${edge.url}/admin/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const metrics = await response.text();
    for (let n = 0; n < SHARDS; n++) match(metrics, new RegExp(`^walnut_shard_up\\{shard="${n}"\\} ${Number(n !== shard)}$`, "m"));
    for (const id of stored) {
      const { status, code } = await ask("GET", `deliveries/${id}`);
      deepEqual([status, code], healthy.includes(id) ? [200, undefined] : [503, "inbox_failed"], id);
    }
    equal((await ask("POST", `deliveries/${healthy[0]}/redeliver`, { state: "all" })).status, 200);
    await until(healthy[0], ({ attempts }) => attempts.length === 2);
    // Only the first shard keeps these.
    const { code } = await ask("GET", "rejected");
    equal(code, shard === 0 ? "inbox_failed" : undefined);
  });
}

test("while shard 0 can't be read, an edge that is to be set up answers 503", async (t) => {
  const bindings = {};
  const world = await broken(t, 0, bindings);
  Object.assign(bindings, { WALNUT_WEBHOOK_KEY: undefined, SETUP: "1" });
  await world.again();
  deepEqual(await post(world.url, event()), { status: 503, code: "store_failed" });
  equal((await fetch(`${world.edge.url}/healthz`)).status, 503);
});

test("an edge whose SHARDS has changed goes by the number that each shard has stored, also while shard 0 can't be read", async (t) => {
  const bindings = {};
  const world = await broken(t, 0, bindings);
  bindings.SHARDS = "2";
  await world.again();
  // It would be in shard 1 of 2 too, which knows that there are 4.
  equal((await post(world.url, inShard(1, SHARDS))).status, 200);
  for (const body of world.before.filter((_, n) => n % SHARDS !== 0)) equal((await post(world.url, body)).status, 200);
  const { duplicates, mistakes, brokenShards } = await world.ask("GET", "status");
  deepEqual([duplicates, brokenShards], [6, [0]]);
  match(mistakes.join(), /SHARDS was 4/);
});
