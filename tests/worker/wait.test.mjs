// A request for the list of deliveries can wait for a new delivery.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, inShard, post, start, TOKEN } from "./support.mjs";

async function edge(t, options) {
  const started = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, SHARDS: "3" }, options);
  return { ...started, ...admin(started.edge) };
}

/** Awaits a response that must arrive before its wait of 25 s ends. */
async function early(waiting) {
  const began = Date.now();
  const answer = await waiting;
  ok(Date.now() - began < 20_000);
  return answer;
}

for (const shard of [0, 1, 2]) {
  test(`a delivery in shard ${shard} ends the wait`, async (t) => {
    const { url, ask } = await edge(t);
    equal((await post(url, event())).status, 200);
    const { newest } = await ask("GET", "deliveries");
    const waiting = ask("GET", `deliveries?limit=1&wait=25s&newest=${newest}`);
    equal((await post(url, inShard(shard, 3))).status, 200);
    const { deliveries, newest: next } = await early(waiting);
    equal(deliveries[0].deliveryId.split("-")[0], String(shard));
    ok(BigInt(next) > BigInt(newest));
  });
}

test("a list does not wait if a stored delivery is unknown to the client", async (t) => {
  const { url, ask } = await edge(t);
  const { newest } = await ask("GET", "deliveries");
  equal((await post(url, event())).status, 200);
  equal((await early(ask("GET", `deliveries?wait=25s&newest=${newest}`))).deliveries.length, 1);
});

test("the wait ends without a delivery after its time, and a duplicate does not end it", async (t) => {
  const { url, ask } = await edge(t);
  const body = event();
  equal((await post(url, body)).status, 200);
  const began = Date.now();
  const waiting = ask("GET", "deliveries?wait=2s");
  equal((await post(url, body)).status, 200);
  const { deliveries } = await waiting;
  ok(Date.now() - began >= 2000);
  equal(deliveries.length, 1);
  equal(deliveries[0].duplicates, 1);
});

test("several clients wait at once", async (t) => {
  const { url, ask } = await edge(t);
  const { newest } = await ask("GET", "deliveries");
  const waiting = Array.from({ length: 5 }, () => ask("GET", `deliveries?wait=25s&newest=${newest}`));
  equal((await post(url, event())).status, 200);
  for (const { deliveries } of await early(Promise.all(waiting))) equal(deliveries.length, 1);
});

test("a shard that can't be read does not end the wait", async (t) => {
  const entry = `
    import worker, { Inbox as Working } from "./index.js";
    export class Inbox extends Working {
      ask(version, shard, request) {
        if (shard === 1 && request.List) throw new Error("the shard can't be read");
        return super.ask(version, shard, request);
      }
      wait(row, ms) {
        if (this.ctx.id.name === "shard-2") throw new Error("the shard can't be read");
        return super.wait(row, ms);
      }
    }
    export default worker;
  `;
  const { url, ask } = await edge(t, { entry });
  const { newest, brokenShards } = await ask("GET", "deliveries");
  deepEqual(brokenShards, [1]);
  const began = Date.now();
  await ask("GET", `deliveries?wait=1s&newest=${newest}`);
  ok(Date.now() - began >= 1000);
  const waiting = ask("GET", `deliveries?wait=25s&newest=${newest}`);
  equal((await post(url, inShard(0, 3))).status, 200);
  equal((await early(waiting)).deliveries.length, 1);
});

test("the wait is at most 25 s long", async (t) => {
  const { ask } = await edge(t);
  for (const query of ["deliveries?wait=26s", "deliveries?wait=25", "deliveries?wait=", "deliveries?wait=-1s", "rejected?wait=1s"]) {
    equal((await ask("GET", query)).code, "invalid_request", query);
  }
});
