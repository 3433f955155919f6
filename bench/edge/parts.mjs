// The parts of the edge's benchmark.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { compare, median, shuffled } from "../rounds.mjs";
import { coldStarts } from "./cold.mjs";
import { growth as grow } from "./growth.mjs";
import {
  ACCEPTING,
  DELIVERING,
  DELIVERING_TO_4,
  DIRECT,
  DIRECT_DUTIES,
  DURABLE_DUTIES,
  JS_DURABLE,
  PASS_THROUGH,
  WEBCRYPTO,
} from "./names.mjs";
import { rows } from "./rows.mjs";
import { sizes } from "./size.mjs";
import { ready, summary, traffic } from "./traffic.mjs";
import { ours, peer, SCHEMA, startWorkers } from "./workers.mjs";

const KIB = 1024;

const inbox = { durableObjects: { INBOX: { className: "Inbox", useSQLite: true } } };

/**
 * Returns the parts, as functions that measure. `origin` and `load` are child processes, and `urls` has the URLs of the
 * fast origin and of the silent one. `loads` are the loads to apply. The caller removes `folder` afterwards.
 */
export function parts({ origin, load, urls, folder, loads, rounds }) {
  /** Runs `measure` with new Workers. */
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
        [DIRECT_DUTIES]: peer("direct-duties.js", { ORIGIN_URL: urls.quick }),
        [DIRECT]: ours({ MODE: "direct", ORIGIN_URL: urls.quick }),
      },
      DIRECT,
      rounds ?? 9,
    );

  // The origin never answers, so that only the acceptance of events is measured. The first requests to it hang, and the
  // other deliveries wait.
  const durable = () =>
    compared(
      {
        [JS_DURABLE]: peer("durable.js", { SCHEMA }, inbox),
        [DURABLE_DUTIES]: peer("durable-duties.js", { SCHEMA, ORIGIN_URL: urls.silent }, inbox),
        [ACCEPTING]: ours({ ORIGIN_URL: urls.silent, ORIGIN_TIMEOUT: "28s" }),
      },
      ACCEPTING,
      rounds ?? 9,
    );

  // Measures the rate at which one shard accepts events and delivers them.
  async function delivering() {
    const REQUESTS = 600;
    const to = (count) =>
      ours({
        DESTINATIONS: JSON.stringify(Array.from({ length: count }, (_, n) => ({ name: `origin-${n}`, url: urls.quick }))),
      });
    const candidates = {
      [DELIVERING]: { destinations: 1, worker: to(1) },
      [DURABLE_DUTIES]: { destinations: 1, worker: peer("durable-duties.js", { SCHEMA, ORIGIN_URL: urls.quick }, inbox) },
      [DELIVERING_TO_4]: { destinations: 4, worker: to(4) },
    };
    const names = Object.keys(candidates);
    return withWorkers(Object.fromEntries(names.map((name) => [name, candidates[name].worker])), async (running) => {
      const measured = Object.fromEntries(names.map((name) => [name, []]));
      for (let round = -1; round < (rounds ?? 9); round++) {
        for (const name of shuffled(names)) {
          const { destinations } = candidates[name];
          await origin.ask({ reset: true });
          const from = performance.now();
          const { ms } = await load.ask({ url: running.urls[name], size: KIB, connections: 16, count: REQUESTS });
          // The time counts from the start of sending, not from the start of signing.
          const prepared = performance.now() - from - ms;
          await origin.ask({ until: REQUESTS * destinations });
          const drainMs = performance.now() - from - prepared;
          const accepted = (REQUESTS / ms) * 1000;
          const delivered = ((REQUESTS * destinations) / drainMs) * 1000;
          if (round >= 0) measured[name].push({ accepted, delivered, drainMs }); // the first round is for the compiler
        }
      }
      const all = (name, metric) => measured[name].map((one) => one[metric]);
      const middles = (name) => ({
        accepted: median(all(name, "accepted")),
        delivered: median(all(name, "delivered")),
        drainMs: median(all(name, "drainMs")),
      });
      const results = Object.fromEntries(names.map((name) => [name, middles(name)]));
      results[DURABLE_DUTIES].ratio = compare(all(DELIVERING, "delivered"), all(DURABLE_DUTIES, "delivered"));
      return results;
    });
  }

  const cold = () => coldStarts(mkdtempSync(join(folder, "cold-")), rounds ?? 21);
  const size = async () => sizes(mkdtempSync(join(folder, "bundle-")));
  const growth = () => grow({ origin, urls, folder, rounds });
  return { direct, durable, delivering, cold, size, growth, rows };
}
