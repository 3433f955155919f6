import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { verdicts } from "./cases.mjs";
import { imported, wasmOnly } from "./copies.mjs";
import { agree, judged, Tally } from "./oracle.mjs";

const CASES = 100_000;
const BATCH = 1_000;

for (const [way, { Webhook }] of Object.entries({ "as imported": imported, "WebAssembly only": wasmOnly })) {
  test(`Node, ${way}: ${CASES} random cases have the verdict of node:crypto`, async () => {
    const tally = new Tally();
    for (let first = 0; first < CASES; first += BATCH) {
      for (const it of judged(first, BATCH)) {
        agree(it, verdicts(Webhook, it.one, it.header), "node.test.mjs");
        tally.add(it);
      }
      // Finalizers free the memory of webhooks, but run only between turns of the event loop.
      await setImmediate();
    }
    tally.check(CASES);
  });
}
