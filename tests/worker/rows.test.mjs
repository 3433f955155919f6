// The amounts that the platform bills for events: docs/edge/scale.md states them, and `make bench-edge` has goals for
// them.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { alone, burst, counting, delivers, destinations, forgotten } from "./rows.mjs";
import { event } from "./support.mjs";

test("an event that is delivered at once writes 6 rows, a duplicate 1, and an idle cron tick 0", async (t) => {
  const { delivered, duplicate, idle } = await alone(t);
  deepEqual([delivered.written, duplicate.written, idle.written], [6, 1, 0]);
});

test("an event that is delivered at once costs a request to the Worker, 2 to the inbox, 5 log events, and about 40 rows read", async (t) => {
  const { delivered } = await alone(t);
  deepEqual([delivered.requests, delivered.inboxRequests, delivered.logEvents], [1, 2, 5]);
  ok(delivered.read <= 42, `${delivered.read} rows were read`);
});

test("an event of a burst costs 5 rows, a request to the inbox and 4 log events, and sometimes an alarm", async (t) => {
  const { written, inboxRequests, logEvents } = await burst(t, 100);
  ok(written >= 500 && written <= 550, `${written} rows for 100 events`);
  ok(inboxRequests >= 100 && inboxRequests <= 125, `${inboxRequests} requests to the inbox for 100 events`);
  ok(logEvents >= 400 && logEvents <= 425, `${logEvents} log events for 100 events`);
});

test("an event to four destinations writes 9 rows", async (t) => {
  equal((await destinations(t, 4)).written, 9);
});

test("a body over 4 KiB writes one more row, and a failed attempt 5 more", async (t) => {
  const world = await counting(t);
  await delivers(world, event() + " ".repeat(5000));
  equal((await world.count()).written, 7);
  const { origin } = world;
  const before = origin.taken.length;
  origin.answer = (_, response) => response.writeHead(origin.taken.length === before + 1 ? 500 : 200).end();
  await delivers(world);
  const { written } = await world.count();
  ok(written <= 6 + 5, `${written} rows`);
});

test("removing an event writes 1 row", async (t) => {
  // One more for the alarm that the cron trigger set.
  equal((await forgotten(t, 20)).written, 20 + 1);
});
