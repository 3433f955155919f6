// While the database of one shard can't be read, the others accept, deliver and answer.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { lasting, spoil } from "./storage.mjs";
import { event, inShard, post, TOKEN } from "./support.mjs";

const SHARDS = 4;
const idOf = (body) => `demo_session_finished:${JSON.parse(body).data.session_id}`;

/** Starts an edge with deliveries in each of its shards, and makes one shard unreadable. */
async function broken(t, shard, bindings = {}) {
  const world = await lasting(t, Object.assign(bindings, { SHARDS: String(SHARDS) }));
  world.before = Array.from({ length: SHARDS * 2 }, (_, n) => inShard(n % SHARDS, SHARDS));
  for (const body of world.before) equal((await post(world.url, body)).status, 200);
  for (const id of await world.ids()) await world.until(id, "delivered");
  world.stored = await world.ids();
  await world.restart((storage) => spoil(storage, idOf(world.before[shard])));
  return world;
}

for (const shard of [0, 2]) {
  test(`while shard ${shard} can't be read, every event of the other shards is accepted and delivered`, async (t) => {
    const { url, origin, before, edge, storage, ...world } = await broken(t, shard);
    const had = origin.taken.length;
    const bodies = Array.from({ length: 60 }, (_, n) => ({ home: n % SHARDS, body: inShard(n % SHARDS, SHARDS) }));
    const answers = await Promise.all(bodies.map(({ body }) => post(url, body)));
    for (const [n, { home }] of bodies.entries()) {
      deepEqual(answers[n], home === shard ? { status: 503, code: "store_failed" } : { status: 200, code: undefined }, `shard ${home}`);
    }
    await origin.took(had + 45);
    const sent = origin.taken.slice(had).map(({ body }) => body.toString());
    deepEqual(sent.sort(), bodies.filter(({ home }) => home !== shard).map(({ body }) => body).sort());
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
    deepEqual((await ask("POST", `deliveries/${healthy[0]}/redeliver`, { state: "all" })).destinations, ["origin"]);
    await until(healthy[0], ({ attempts }) => attempts.length === 2);
    // Only the first shard has rejected requests.
    const { code } = await ask("GET", "rejected");
    equal(code, shard === 0 ? "inbox_failed" : undefined);
  });
}

for (const shard of [0, 2]) {
  test(`while shard ${shard} can't be read, pauses and resumes a destination in the others, and sends pending deliveries at once`, async (t) => {
    const { url, origin, ask, until, ids } = await broken(t, shard);
    const had = origin.taken.length;
    const bodies = [0, 1, 2, 3].filter((n) => n !== shard).map((n) => inShard(n, SHARDS));
    // After a rejection, each delivery waits for at least half a minute.
    origin.answer = (_, response) => response.writeHead(404).end();
    for (const body of bodies) equal((await post(url, body)).status, 200);
    const waiting = await ids("?limit=3");
    for (const id of waiting) await until(id, ({ attempts }) => attempts.length === 1);
    const paused = await ask("POST", "destinations/origin/pause");
    deepEqual([paused.status, paused.pausedSince > 0, paused.brokenShards], [200, true, [shard]]);
    equal((await ask("GET", "status")).destinations[0].state, "paused");
    origin.answer = (_, response) => response.end();
    const late = inShard(1, SHARDS);
    equal((await post(url, late)).status, 200);
    equal((await ask("GET", "status")).destinations[0].pending, 4);
    equal(origin.taken.length, had + 3);
    const resumed = await ask("POST", "destinations/origin/resume");
    deepEqual([resumed.status, resumed.pausedSince, resumed.brokenShards], [200, null, [shard]]);
    for (const id of await ids("?limit=4")) await until(id, "delivered");
    equal(origin.taken.length, had + 7);
  });

  test(`while shard ${shard} can't be read, erases an address in the others`, async (t) => {
    const { url, ask, ids } = await broken(t, shard);
    const email = "jane@example.com";
    const healthy = [0, 1, 2, 3].filter((n) => n !== shard);
    for (const n of healthy) {
      const body = inShard(n, SHARDS).replace("{", `{"email":"${email}",`);
      equal((await post(url, body)).status, 200);
    }
    const calls = [];
    for (let cursor; cursor !== null; ) {
      const answer = await ask("POST", "erase", { email, ...(cursor && { cursor }) });
      equal(answer.status, 200);
      calls.push(answer);
      ({ cursor } = answer);
    }
    equal(calls.reduce((sum, { erased }) => sum + erased, 0), healthy.length);
    deepEqual(calls.flatMap(({ brokenShards }) => brokenShards), [shard]);
    equal((await ids("?state=erased")).length, healthy.length);
  });
}

test("after a cron trigger, shards without events accept events while shard 0 can't be read", async (t) => {
  const world = await lasting(t, { SHARDS: String(SHARDS) });
  const first = inShard(0, SHARDS);
  equal((await post(world.url, first)).status, 200);
  await world.edge.scheduled();
  await world.until((await world.ids())[0], "delivered");
  await world.restart((storage) => spoil(storage, idOf(first)));
  const bodies = [1, 2, 3].map((n) => inShard(n, SHARDS));
  for (const body of bodies) deepEqual(await post(world.url, body), { status: 200, code: undefined });
  await world.origin.took(4);
  deepEqual(world.origin.taken.slice(1).map(({ body }) => body.toString()).sort(), bodies.sort());
});

test("while shard 0 can't be read, an edge in set-up answers 503", async (t) => {
  const bindings = {};
  const world = await broken(t, 0, bindings);
  Object.assign(bindings, { WALNUT_WEBHOOK_KEY: undefined, SETUP: "1" });
  await world.restart();
  deepEqual(await post(world.url, event()), { status: 503, code: "store_failed" });
  equal((await fetch(`${world.edge.url}/healthz`)).status, 503);
});

test("an edge whose SHARDS has changed uses the number that each shard has stored, also while shard 0 can't be read", async (t) => {
  const bindings = {};
  const world = await broken(t, 0, bindings);
  bindings.SHARDS = "2";
  await world.restart();
  // With 2 shards, it would also be in shard 1, which has stored that there are 4.
  equal((await post(world.url, inShard(1, SHARDS))).status, 200);
  for (const body of world.before.filter((_, n) => n % SHARDS !== 0)) equal((await post(world.url, body)).status, 200);
  const { duplicates, mistakes, brokenShards } = await world.ask("GET", "status");
  deepEqual([duplicates, brokenShards], [6, [0]]);
  match(mistakes.join(), /SHARDS was 4/);
});
