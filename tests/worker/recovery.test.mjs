// Kept requests are recovered despite a failing shard, and despite concurrent requests.
import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { deliveredOnce, deliveries, MINUTE, NEW_KEY, quarantine } from "./quarantine.mjs";
import { inShard, KEY, startOrigin } from "./support.mjs";

/**
 * Starts an edge with two shards, of which the second asks `gate` before it stores. Its quarantine keeps `bodies`, signed
 * with the new key.
 */
async function keeping(t, bodies) {
  const gate = await startOrigin();
  t.after(gate.stop);
  const world = await quarantine(t, { SHARDS: "2", TEST_GATE: gate.url });
  equal((await world.send(inShard(0, 2), { key: KEY })).status, 200);
  for (const [n, body] of bodies.entries()) {
    equal((await world.send(body)).code, "signature_mismatch");
    await world.holds({ kept: n + 1 });
  }
  return { gate, world };
}

const BROKEN = {
  "never answers": () => {},
  "fails at once": (_, response) => response.writeHead(500).end(),
};

for (const [fault, answer] of Object.entries(BROKEN)) {
  for (const repaired of ["a minute later", "after a restart"]) {
    test(`a shard that ${fault} does not delay the other, and gets its requests once it works ${repaired}`, async (t) => {
      const bodyIn = (shard) => inShard(shard, 2);
      const [theirs, ours] = [[bodyIn(1), bodyIn(1)], [bodyIn(0), bodyIn(0), bodyIn(0)]];
      // The requests of the broken shard come first.
      const { gate, world } = await keeping(t, [...theirs, ...ours]);
      const { answer: open } = gate;
      gate.answer = answer;
      await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
      await world.edge.scheduled();
      await gate.took(1);
      const genuine = [bodyIn(0), bodyIn(0), bodyIn(0)];
      equal((await world.send(genuine[0])).status, 200);
      await world.holds({ kept: 2, recovered: 3 });
      await deliveredOnce(world, [...ours, genuine[0]], 0, Date.now());
      // The alarm that delivers this event does not ask the broken shard again.
      equal((await world.send(genuine[1])).status, 200);
      await deliveredOnce(world, [genuine[1]], 0, Date.now());
      equal(gate.taken.length, 1);

      gate.answer = open;
      if (repaired === "a minute later") {
        // Less than the whole minute: a set alarm does not move with the clock, and the next event sets it again.
        await world.pass(0.75 * MINUTE);
        equal((await world.send(genuine[2])).status, 200);
      } else {
        await world.reset();
        await world.edge.scheduled();
      }
      await world.holds({ kept: 0, recovered: 5 });
      await deliveredOnce(world, [...theirs, ...ours], 0, Date.now());
    });
  }
}

test("a request that is being stored is not erased from the quarantine, but can be erased as a delivery", async (t) => {
  const body = inShard(1, 2);
  const { gate, world } = await keeping(t, [body]);
  const [{ id }] = await world.rejected();
  let answered;
  gate.answer = (_, response) => (answered = response);
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await gate.took(1);
  const { status, erased } = await world.ask("DELETE", `rejected/${id}`);
  deepEqual([status, erased], [404, undefined]);
  answered.end();
  await world.holds({ kept: 0, recovered: 1 });
  await deliveredOnce(world, [body], 0, Date.now());
  const { deliveryId } = (await deliveries(world)).find(({ deliveryId }) => deliveryId.startsWith("1-"));
  equal((await world.ask("DELETE", `deliveries/${deliveryId}`)).erased, 1);
  await world.until(deliveryId, "erased");
});

/** A Worker whose second shard answers each request with an error. */
const SECOND_IS_BROKEN = `
  import worker, { Inbox as Real } from "./index.js";
  export class Inbox extends Real {
    ask(version, shard, request) {
      if (shard === 1) throw new Error("this shard is broken");
      return super.ask(version, shard, request);
    }
  }
  export default worker;
`;

test("lists kept requests although another shard is broken", async (t) => {
  const world = await quarantine(t, { SHARDS: "2" }, { entry: SECOND_IS_BROKEN });
  equal((await world.send(inShard(0, 2), { key: KEY })).status, 200);
  equal((await world.send(inShard(1, 2))).code, "signature_mismatch");
  await world.logged('"kept"');
  deepEqual((await world.ask("GET", "status")).brokenShards, [1]);
  const { status, rejected } = await world.ask("GET", "rejected");
  deepEqual([status, rejected.map(({ cause }) => cause)], [200, ["unknown_key"]]);
});
