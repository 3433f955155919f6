// Recovery from the quarantine, while the process is killed or WebAssembly traps.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { FAILPOINTS_BUILD } from "../../tools/edge.mjs";
import { deliveredOnce, deliveries, each, NEW_KEY, quarantine } from "./quarantine.mjs";
import { event, failpoint } from "./support.mjs";

test("four shards deliver each event once when killed between storing and removing it", { timeout: 600_000 }, async (t) => {
  const { url, reached } = await failpoint(t);
  const world = await quarantine(t, { SHARDS: "4" }, { build: FAILPOINTS_BUILD });
  await world.genuine();
  const from = Date.now();
  const bodies = Array.from({ length: 40 }, () => event());
  await each(bodies, async (body) => equal((await world.send(body)).code, "signature_mismatch"));
  await world.holds({ kept: 40 });
  const to = Date.now();
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY, FAILPOINT: "after-recovered", FAILPOINT_URL: url });
  // An event that the new key verifies also starts the recovery, long before the cron trigger.
  await world.genuine();
  await reached;
  world.edge.kill();
  await world.reset({ FAILPOINT: undefined, FAILPOINT_URL: undefined });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 40 });
  const sent = await deliveredOnce(world, bodies, from, to);
  ok(sent <= 80, `${sent} requests for 40 events`);
  equal((await deliveries(world)).length, 42);
});

test("an event that traps in the recovery does not stop others, and stays kept", { timeout: 600_000 }, async (t) => {
  const world = await quarantine(t, {}, { build: FAILPOINTS_BUILD });
  await world.genuine();
  const bodies = Array.from({ length: 5 }, () => event());
  const trap = event({ note: "trap-in-quarantine" });
  for (const body of [...bodies.slice(0, 2), trap, ...bodies.slice(2)]) await world.send(body);
  await world.holds({ kept: 6 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 1, recovered: 5 });
  await deliveredOnce(world, bodies, 0, Date.now());
  const [waiting] = await world.rejected();
  deepEqual([waiting.cause, waiting.size], ["trapped", Buffer.byteLength(trap)]);
  const { stored } = await world.ask("POST", `rejected/${waiting.id}/deliver`);
  equal(stored, "accepted");
  await world.until((await world.ids())[0], "delivered");
  await world.holds({ kept: 0, recovered: 6 });
});
