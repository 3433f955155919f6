// Measures `edge start`: how long it takes to start with many stored deliveries, and how much memory it uses, compared with a
// Worker of one line in the same workerd.
//
//   node bench/start.mjs       both tables, and target/bench/start.json
//   ONLY=memory EVENTS=20000 node bench/start.mjs
//
// ONLY selects parts: starts, memory. STORED is the number of deliveries stored at a start, EVENTS the number of events sent
// while memory is measured, and ROUNDS the number of measurements of each start.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "./edge/child.mjs";
import { columns, goalTable } from "./report.mjs";
import { memory } from "./start/memory.mjs";
import { starts } from "./start/starts.mjs";

const { ONLY, STORED = 100_000, EVENTS = 100_000, ROUNDS = 9 } = process.env;

const seconds = (ms) => `${(ms / 1000).toFixed(2)} s`;
const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const count = (number) => number.toLocaleString("en");

/** The longest time from the start of the process to the first answer, in ms. */
const START_MS = 3000;

const PARTS = {
  starts: {
    measure: (world) => starts({ ...world, stored: Number(STORED), rounds: Number(ROUNDS) }),
    table: (results) =>
      columns(
        ["start, median (longest)", "/healthz answers 200", "an event is accepted", "CPU time", ""],
        results.map(({ stored, after, healthy, accepted, cpu, ratio }) => [
          `${count(stored)} stored, after a ${after}`,
          `${seconds(healthy.median)} (${seconds(healthy.longest)})`,
          `${seconds(accepted.median)} (${seconds(accepted.longest)})`,
          `${seconds(cpu.median)} (${seconds(cpu.longest)})`,
          ratio === undefined ? "" : `×${ratio.toFixed(2)}`,
        ]),
      ),
    goals: (results) =>
      results.map(({ stored, after, healthy }) => ({
        name: `first answer with ${count(stored)} stored, after a ${after}`,
        goal: `≤ ${seconds(START_MS)}`,
        measured: seconds(healthy.median),
        met: healthy.median <= START_MS,
      })),
  },
  memory: {
    measure: (world) => memory({ ...world, events: Number(EVENTS) }),
    table: (points) =>
      columns(
        ["resident memory after", "workerd, the edge", "workerd, one line", "ratio", "the command"],
        points.map(({ events, edge, oneLine, command }) => [
          `${count(events)} requests`, mib(edge), mib(oneLine), `×${(edge / oneLine).toFixed(2)}`, mib(command),
        ]),
      ),
    goals: () => [],
  },
};
const chosen = ONLY?.split(",") ?? Object.keys(PARTS);
for (const part of chosen) {
  if (!Object.hasOwn(PARTS, part)) throw new Error(`ONLY names ${part}, but there is ${Object.keys(PARTS).join(", ")}`);
}

const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-start-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const origin = start(join(import.meta.dirname, "edge/origin.mjs"));
const results = {};
const tables = [];
const goals = [];
try {
  const { quick } = await origin.ask({ open: true });
  for (const part of chosen) {
    console.error(`measuring ${part} …`);
    results[part] = await PARTS[part].measure({ destination: quick, folder });
    tables.push(PARTS[part].table(results[part]));
    goals.push(...PARTS[part].goals(results[part]));
  }
} finally {
  await origin.stop();
}
const out = join(import.meta.dirname, "../target/bench");
mkdirSync(out, { recursive: true });
writeFileSync(join(out, "start.json"), `${JSON.stringify(results, null, 2)}\n`);
console.log(`\n${[...(goals.length > 0 ? [goalTable(goals)] : []), ...tables].join("\n")}`);
if (goals.some(({ met }) => !met)) process.exitCode = 1;
