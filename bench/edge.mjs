// Compares the edge with Workers that an expert would write in JavaScript, all in one workerd, in one run.
//
//   node bench/edge.mjs       everything: the tables, and target/bench/edge.json, which bench/pages.mjs reads
//   ONLY=direct,durable SIZES=1024 CONNECTIONS=16 ROUNDS=5 node bench/edge.mjs
//
// ONLY selects parts: direct, durable, delivering, cold, size, growth, rows. SIZES are the lengths of the bodies in
// bytes, CONNECTIONS the numbers of simultaneous connections, ROUNDS the number of turns of each candidate. With any of
// them, the program prints the tables and does not change the file, whose numbers all come from one run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { start } from "./edge/child.mjs";
import { goals } from "./edge/goals.mjs";
import { parts } from "./edge/parts.mjs";
import { coldTable, deliveringTable, growthTable, rowsTable, sizeTable, trafficTable } from "./edge/report.mjs";
import { goalTable } from "./report.mjs";

const { ONLY, SIZES, CONNECTIONS, ROUNDS } = process.env;
const whole = [ONLY, SIZES, CONNECTIONS, ROUNDS].every((limit) => limit === undefined);
const numbers = (text) => text.split(",").map(Number);
const loads = numbers(SIZES ?? "1024,65536").flatMap((size) =>
  numbers(CONNECTIONS ?? "1,16,64").map((connections) => ({ size, connections })),
);

const TABLES = {
  direct: (loads) => trafficTable("direct", loads),
  durable: (loads) => trafficTable("durable, accepting", loads),
  delivering: deliveringTable,
  cold: coldTable,
  size: sizeTable,
  growth: growthTable,
  rows: rowsTable,
};
const chosen = ONLY?.split(",") ?? Object.keys(TABLES);
for (const part of chosen) {
  if (!Object.hasOwn(TABLES, part)) throw new Error(`ONLY names ${part}, but there is ${Object.keys(TABLES).join(", ")}`);
}

const results = {
  machine: {
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  },
};

const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const child = (program) => start(join(import.meta.dirname, "edge", program));
const [origin, load] = [child("origin.mjs"), child("load.mjs")];
const tables = [];
try {
  const urls = await origin.ask({ open: true });
  const measure = parts({ origin, load, urls, folder, loads, rounds: ROUNDS && Number(ROUNDS) });
  for (const part of chosen) {
    console.error(`measuring ${part} …`);
    results[part] = await measure[part]();
    tables.push(TABLES[part](results[part]));
  }
} finally {
  await Promise.all([origin.stop(), load.stop()]);
}
if (whole) {
  results.goals = goals(results);
  const out = join(import.meta.dirname, "../target/bench");
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "edge.json"), `${JSON.stringify(results, null, 2)}\n`);
  tables.unshift(goalTable(results.goals));
}
console.log(`\n${tables.join("\n")}`);
