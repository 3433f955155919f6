// What is measured of the edge, part by part.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { median } from "../rounds.mjs";
import { coldStarts } from "./cold.mjs";
import { ACCEPTING, DIRECT, JS_DURABLE, PASS_THROUGH, WEBCRYPTO } from "./names.mjs";
import { sizes } from "./size.mjs";
import { ready, summary, traffic } from "./traffic.mjs";
import { ours, peer, SCHEMA, startWorkers } from "./workers.mjs";

const KIB = 1024;

const inbox = { durableObjects: { INBOX: { className: "Inbox", useSQLite: true } } };

/**
 * The parts, as functions that measure. `origin` and `load` are the processes beside, with the `urls` of the quick
 * origin and of the silent one; `loads` are what they are put under, and `folder` is removed afterwards.
 */
export function parts({ origin, load, urls, folder, loads, rounds }) {
  /** Lets `measure` work on Workers of their own. */
  async function withWorkers(workers, measure) {
    const running = await startWorkers(workers, mkdtempSync(join(folder, "storage-")));
    try {
      return await measure(running);
    } finally {
      await running.stop();
    }
  }

  async function compared(workers, mine, count) {
    return withWorkers(workers, async (running) => {
      const candidates = Object.keys(workers).map((name) => ({ name, url: running.urls[name] }));
      for (const { name, url } of candidates) await ready(name, url, name !== PASS_THROUGH);
      return summary(await traffic({ candidates, loads, load, count, cpuMs: running.cpuMs }), mine);
    });
  }

  const direct = () =>
    compared(
      {
        [PASS_THROUGH]: peer("pass-through.js", { ORIGIN_URL: urls.quick }),
        [WEBCRYPTO]: peer("webcrypto.js", { ORIGIN_URL: urls.quick }),
        [DIRECT]: ours({ MODE: "direct", ORIGIN_URL: urls.quick }),
      },
      DIRECT,
      rounds ?? 9,
    );

  // The origin never answers, so that what is measured is the accepting: the first requests hang, and the rest waits.
  const durable = () =>
    compared(
      {
        [JS_DURABLE]: peer("durable.js", { SCHEMA }, inbox),
        [ACCEPTING]: ours({ ORIGIN_URL: urls.silent, ORIGIN_TIMEOUT_MS: "28000" }),
      },
      ACCEPTING,
      rounds ?? 9,
    );

  // For information: what one shard carries, to one destination and to several, with all of it delivered in the end.
  async function delivering() {
    const REQUESTS = 600;
    const to = (count) =>
      ours({
        DESTINATIONS: JSON.stringify(Array.from({ length: count }, (_, n) => ({ name: `origin-${n}`, url: urls.quick }))),
      });
    const counts = { "1 destination": 1, "4 destinations": 4 };
    const workers = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, to(count)]));
    return withWorkers(workers, async (running) => {
      const measured = Object.fromEntries(Object.keys(workers).map((name) => [name, []]));
      for (let round = -1; round < (rounds ?? 5); round++) {
        for (const [name, destinations] of Object.entries(counts)) {
          await origin.ask({ forget: true });
          const from = performance.now();
          const { ms } = await load.ask({ url: running.urls[name], size: KIB, connections: 16, count: REQUESTS });
          // From when the load began to send, not from when it began to sign.
          const prepared = performance.now() - from - ms;
          await origin.ask({ until: REQUESTS * destinations });
          const drainMs = performance.now() - from - prepared;
          const accepted = (REQUESTS / ms) * 1000;
          const delivered = ((REQUESTS * destinations) / drainMs) * 1000;
          if (round >= 0) measured[name].push({ accepted, delivered, drainMs }); // the first is for the compiler
        }
      }
      const middle = (all, what) => median(all.map((one) => one[what]));
      return Object.fromEntries(
        Object.entries(measured).map(([name, all]) => [
          name,
          {
            accepted: middle(all, "accepted"),
            delivered: middle(all, "delivered"),
            drainMs: middle(all, "drainMs"),
          },
        ]),
      );
    });
  }

  const cold = () => coldStarts(mkdtempSync(join(folder, "cold-")), rounds ?? 21);
  const size = async () => sizes(mkdtempSync(join(folder, "bundle-")));
  return { direct, durable, delivering, cold, size };
}
