// Compares the package with its alternatives, in one run.
//
//   node bench/sdk.mjs        everything: the tables, and target/bench/sdk.json, which bench/pages.mjs reads
//   ONLY=verify,wasmOnly SIZES=851,16384 ROUNDS=50 node bench/sdk.mjs
//
// ONLY selects parts: verify, wasmOnly, deliver, deliverWasmOnly, workerd, sizes, import, memory. SIZES are the
// lengths of the bodies in bytes, ROUNDS the number of turns of each candidate in each of 3 processes. With any of
// them, the program prints the tables and does not change the file, whose numbers all come from one run.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { importTime, memory, node, sizes } from "./cost.mjs";
import { goals } from "./goals.mjs";
import { OURS } from "./names.mjs";
import { goalTable, groupTable, importTable, memoryTable, sizeTable } from "./report.mjs";
import { compare, median } from "./rounds.mjs";
import { workerd } from "./workerd.mjs";

// A warm process keeps its speed, but another process can differ by a fifth for the same code. So rounds are
// pooled from several fresh processes.
const PROCESSES = 3;

const { ONLY, SIZES, ROUNDS } = process.env;
const whole = [ONLY, SIZES, ROUNDS].every((limit) => limit === undefined);

const results = {
  machine: {
    cpu: cpus()[0].model,
    cores: cpus().length,
    node: process.version,
    v8: process.versions.v8,
    date: new Date().toISOString().slice(0, 10),
  },
  absolute: {},
};
const tables = [];

/**
 * Lets `measure` start a fresh process several times, and compares the results of all processes. `measure` returns
 * `micros[length][candidate]`: microseconds, by round.
 */
async function compared(title, measure) {
  const pool = {};
  for (let turn = 0; turn < PROCESSES; turn++) {
    for (const [length, micros] of Object.entries(await measure())) {
      const all = (pool[length] ??= {});
      for (const name in micros) (all[name] ??= []).push(...micros[name]);
    }
  }
  const [ratios, absolute] = [{}, {}];
  for (const [length, micros] of Object.entries(pool)) {
    for (const name in micros) {
      (absolute[name] ??= {})[length] = median(micros[name]);
      if (name !== OURS) (ratios[name] ??= {})[length] = compare(micros[OURS], micros[name]);
    }
  }
  tables.push(groupTable(title, ratios, absolute));
  return { ratios, absolute };
}

async function group(name) {
  const lengths = SIZES ?? "851,4096,16384,262144,1048576";
  const measure = () => JSON.parse(node("group.mjs", name, lengths, ROUNDS ?? "21"));
  const { ratios, absolute } = await compared(name, measure);
  results[name] = ratios;
  results.absolute[name] = absolute;
}

async function inWorkerd() {
  const lengths = (SIZES ?? "851,2048,65536,1048576").split(",").map(Number);
  results.workerd = {};
  results.absolute.workerd = {};
  for (const mode of ["nodejs_compat", "plain"]) {
    const measure = () => workerd({ lengths, count: Number(ROUNDS ?? 5), nodeCompat: mode === "nodejs_compat" });
    const { ratios, absolute } = await compared(`workerd, ${mode}`, measure);
    results.workerd[mode] = ratios;
    results.absolute.workerd[mode] = absolute;
  }
}

const parts = {
  verify: () => group("verify"),
  wasmOnly: () => group("wasmOnly"),
  deliver: () => group("deliver"),
  deliverWasmOnly: () => group("deliverWasmOnly"),
  workerd: inWorkerd,
  sizes: async () => tables.push(sizeTable((results.sizes = await sizes()))),
  import: () => tables.push(importTable((results.importMs = importTime()))),
  memory: () => tables.push(memoryTable((results.memory = memory()))),
};

for (const part of ONLY?.split(",") ?? Object.keys(parts)) {
  if (!Object.hasOwn(parts, part)) throw new Error(`ONLY names ${part}, but there is ${Object.keys(parts).join(", ")}`);
  console.error(`measuring ${part} …`);
  await parts[part]();
}
if (whole) {
  results.goals = goals(results);
  const folder = join(import.meta.dirname, "../target/bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "sdk.json"), `${JSON.stringify(results, null, 2)}\n`);
  tables.unshift(goalTable(results.goals));
}
console.log(`\n${tables.join("\n")}`);
