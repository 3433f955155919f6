// Requests to an inbox with many deliveries do not delay events.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { change, lasting, multiply } from "./storage.mjs";
import { event, eventually, post } from "./support.mjs";

const shardOf = (deliveryId) => deliveryId.split("-")[0];

/** Starts an edge with `copies` copies of a delivery in each shard, and runs the SQL in `changed` on the storage. */
async function grown(t, { copies, ...bindings }, changed) {
  const world = await lasting(t, bindings);
  const shards = Number(bindings.SHARDS ?? 1);
  let ids = [];
  while (new Set(ids.map(shardOf)).size < shards) {
    equal((await post(world.url, event())).status, 200);
    ids = await world.ids();
    await world.until(ids[0], "delivered");
  }
  await world.restart((storage) => {
    multiply(storage, copies, 1000);
    change(storage, changed);
  });
  return Object.assign(world, { stored: ids.length + shards * copies });
}

/** Returns the IDs on each page of a list. */
async function pages(ask, query) {
  const all = [];
  let cursor;
  do {
    const page = await ask("GET", `deliveries?${query}${cursor ? `&cursor=${cursor}` : ""}`);
    all.push(page.deliveries.map(({ deliveryId }) => deliveryId));
    cursor = page.cursor;
  } while (cursor !== null);
  return all;
}

test("a list searches a part of the deliveries at a time, and its cursor continues there", async (t) => {
  const { ask, stored } = await grown(
    t,
    { SHARDS: "2", copies: 1500 },
    "UPDATE deliveries SET name = 'oldest' WHERE key = (SELECT MIN(key) FROM deliveries)",
  );
  const none = await pages(ask, "name=none");
  deepEqual([none.flat(), none.length > 1], [[], true]);
  const whole = (await pages(ask, "limit=200")).flat();
  equal(new Set(whole).size, stored);
  deepEqual((await pages(ask, "name=oldest")).flat().map(shardOf).sort(), ["0", "1"]);
  deepEqual((await pages(ask, `limit=200&until=${Date.now() + 1000}`)).flat(), whole);
  deepEqual((await pages(ask, "limit=200&state=delivered")).flat(), whole);
  equal((await pages(ask, `limit=200&name=none&since=${Date.now() - 60_000}`)).length, 1);
});

test("a list of one state also searches a part of the deliveries at a time", async (t) => {
  const { ask, stored } = await grown(
    t,
    { copies: 2500 },
    "UPDATE deliveries SET state = 'variant', dead = 1; INSERT INTO retries SELECT 'origin', 4e12, key FROM deliveries",
  );
  for (const state of ["dead", "variant", "pending"]) {
    const none = await pages(ask, `state=${state}&name=none`);
    deepEqual([none.flat(), none.length > 1], [[], true]);
    equal((await pages(ask, `limit=200&state=${state}&until=${Date.now() + 1000}`)).flat().length, stored);
  }
});

test("events are accepted while many dead deliveries are redelivered", async (t) => {
  const { ask, url, stored } = await grown(
    t,
    { copies: 5000 },
    "UPDATE deliveries SET state = 'dead', dead = 1, sends = json_set(sends, '$[0].state', 'dead', '$[0].reason', 'max_age')",
  );
  let working = true;
  const redelivering = ask("POST", "redeliver", { since: 0, until: Date.now() }).finally(() => (working = false));
  let accepted = 0;
  for (; working; accepted++) equal((await post(url, event())).status, 200);
  equal((await redelivering).redelivered, stored);
  // The first and the last event would be accepted in any case.
  ok(accepted > 5, `${accepted} events were accepted`);
});

test("a delivery takes at most 1.6 KB, until its ID is no longer remembered", async (t) => {
  const world = await grown(t, { copies: 5000, MAX_EVENT_AGE: "90d" }, "");
  const each = async () => (await world.ask("GET", "status")).bytes / world.stored;
  const kept = await each();
  ok(kept > 1400 && kept <= 1600, `${kept} bytes`);
  await world.later(8 * 24 * 3_600_000);
  await eventually(async () => (await world.ask("GET", "status")).deliveries.forgotten >= world.stored);
  const remembered = await each();
  ok(remembered <= 1600, `${remembered} bytes`);
});
