// Tests a key reset during a flood of forgeries from a thousand networks: Walnut signs events with the new key while the
// edge has the old one. All of Walnut's events must arrive once the new key is set. The program also measures how much the
// quarantine delays a genuine event in that flood, compared with the same edge without a quarantine. `FORGERIES` (100,000),
// `GENUINE` (450) and `ROUNDS` (50) may be set. The summary is the last line, and in target/bench/flood.json.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEdge } from "../tools/edge.mjs";
import { KEY } from "./bodies.mjs";
import { start } from "./edge/child.mjs";
import { ours, startWorkers } from "./edge/workers.mjs";
import { compare, median, shuffled } from "./rounds.mjs";

const whole = (name, otherwise) => {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} must be a whole number, not ${process.env[name]}`);
  return value;
};
const FORGERIES = whole("FORGERIES", 100_000);
const GENUINE = whole("GENUINE", 450);
const ROUNDS = whole("ROUNDS", 50);
const NETWORKS = 1000;
const CONNECTIONS = 16;
const NEW_KEY = "the key after the reset";
const TOKEN = "a-token-of-more-than-thirty-two-characters";
/** If no missing event arrives for this time, the rest counts as lost, in ms. */
const PATIENCE_MS = 120_000;
/** The largest allowed delay of a genuine event, as a ratio. */
const MOST_RATIO = 1.1;

const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-flood-"));
const load = start(join(import.meta.dirname, "flood/load.mjs"));
const taken = [];
const arrived = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  taken.push(Buffer.concat(pieces).toString());
  response.end();
}).listen(0, "127.0.0.1");
await once(arrived, "listening");
const ORIGIN_URL = `http://127.0.0.1:${arrived.address().port}/webhook`;

/** Runs a key reset, and returns how many events were lost, and how many arrived more than once. */
async function reset() {
  const storage = join(folder, "reset");
  const open = (key) => startEdge({ bindings: { WALNUT_WEBHOOK_KEY: key, ORIGIN_URL, ADMIN_TOKEN: TOKEN, ALLOW_LOOPBACK: "1" }, storage });
  const quarantine = async ({ url }) => {
    const response = await fetch(`${url}/admin/status`, { headers: { authorization: `Bearer ${TOKEN}` } });
    return (await response.json()).quarantine;
  };
  const before = await open(KEY);
  const url = `${before.url}/webhook`;
  // Makes Walnut's network known.
  await load.ask({ url, key: KEY, forged: 1, networks: NETWORKS, connections: 1, genuine: 1 });
  const { answers, bodies, ms } = await load.ask({
    url, key: NEW_KEY, forged: FORGERIES, networks: NETWORKS, connections: CONNECTIONS, genuine: GENUINE,
  });
  const during = await quarantine(before);
  await before.stop();
  const after = await open(NEW_KEY);
  await after.scheduled();
  const missing = new Set(bodies);
  let progress = Date.now();
  for (let left = missing.size; missing.size > 0 && Date.now() - progress < PATIENCE_MS; ) {
    for (const body of taken) missing.delete(body);
    if (missing.size < left) [left, progress] = [missing.size, Date.now()];
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const end = await quarantine(after);
  await after.stop();
  const times = new Map();
  for (const body of taken) times.set(body, (times.get(body) ?? 0) + 1);
  const duplicates = bodies.filter((body) => times.get(body) > 1).length;
  return { genuine: bodies.length, lost: missing.size, duplicates, answers, seconds: Math.round(ms / 1000), during, end };
}

/**
 * Measures genuine events in the flood, with the quarantine and without. The two take turns, so that other load of the
 * machine affects both alike. Compares the medians of all events. The rounds show how much they vary.
 */
async function latency() {
  const more = { ORIGIN_URL, ADMIN_TOKEN: TOKEN };
  const workers = { with: ours(more), without: ours({ ...more, QUARANTINE: "0" }) };
  const running = await startWorkers(workers, join(folder, "latency"));
  const names = Object.keys(workers);
  const each = (make) => Object.fromEntries(names.map((name) => [name, make()]));
  const [all, rounds, cpuMs] = [each(() => []), each(() => []), each(() => 0)];
  const share = Math.ceil(FORGERIES / (ROUNDS + 1));
  for (let round = -1; round < ROUNDS; round++) {
    for (const name of shuffled(names)) {
      const first = (round + 1) * share;
      const before = running.cpuMs();
      const { latencies, answers } = await load.ask({
        url: running.urls[name], key: KEY, forged: share, networks: NETWORKS, connections: CONNECTIONS, first,
      });
      if (Object.keys(answers.genuine).join() !== "200") throw new Error(`genuine events were answered ${JSON.stringify(answers)}`);
      if (round < 0) continue; // the first round is for the compiler
      cpuMs[name] += running.cpuMs() - before;
      all[name].push(...latencies);
      rounds[name].push(median(latencies));
    }
  }
  await running.stop();
  const [withMs, withoutMs] = [median(all.with), median(all.without)];
  const { low, high } = compare(rounds.with, rounds.without);
  return {
    events: all.with.length + all.without.length,
    withMs,
    withoutMs,
    ratio: withMs / withoutMs,
    low,
    high,
    cpuRatio: cpuMs.with / cpuMs.without,
  };
}

const summary = {};
try {
  summary.reset = await reset();
  summary.latency = await latency();
} finally {
  await load.stop();
  arrived.close();
  arrived.closeAllConnections();
  rmSync(folder, { recursive: true, force: true });
}
const out = join(import.meta.dirname, "../target/bench");
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "flood.json"), `${JSON.stringify(summary, null, 2)}\n`);
console.log(JSON.stringify(summary));
if (summary.reset.lost > 0 || summary.latency.ratio > MOST_RATIO) process.exitCode = 1;
