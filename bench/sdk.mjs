// Measures the package against what its users would pick instead, in one run.
//
//   node bench/sdk.mjs        all of it: the tables, and target/bench/sdk.json, which bench/readme.mjs reads
//   ONLY=verify,wasmOnly SIZES=851,16384 ROUNDS=50 node bench/sdk.mjs
//
// ONLY names parts: verify, wasmOnly, deliver, deliverWasmOnly, workerd, sizes, import, memory. SIZES are
// bodies' lengths in bytes, ROUNDS how often each candidate has its turn. With any of them, the tables are
// printed and the file stays as it is: its numbers are all of one run.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { body } from "./bodies.mjs";
import { ready } from "./candidate.mjs";
import { importTime, memory, sizes } from "./cost.mjs";
import { goals } from "./goals.mjs";
import { OURS } from "./names.mjs";
import { ours } from "./ours.mjs";
import { peers } from "./peers.mjs";
import { goalTable, groupTable, importTable, memoryTable, sizeTable } from "./report.mjs";
import { compare, median, rounds } from "./rounds.mjs";
import { workerd } from "./workerd.mjs";

const KEY = "6f0c1d5f3b9a4e7f8a2b7c4d9e0f1a2b";
const { ONLY, SIZES, ROUNDS } = process.env;
const whole = [ONLY, SIZES, ROUNDS].every((limit) => limit === undefined);
const lengths = (usual) => SIZES?.split(",").map(Number) ?? usual;
const count = (usual) => Number(ROUNDS ?? usual);

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

/** Compares by length: `micros[length][candidate]` are microseconds, by round. */
function compared(micros) {
  const ratios = {};
  const absolute = {};
  for (const [length, { [OURS]: ours, ...theirs }] of Object.entries(micros)) {
    for (const name in theirs) (ratios[name] ??= {})[length] = compare(ours, theirs[name]);
    for (const name in micros[length]) (absolute[name] ??= {})[length] = median(micros[length][name]);
  }
  return { ratios, absolute };
}

async function group(name) {
  const micros = {};
  for (const length of lengths([851, 4096, 16384, 262144, 1048576])) {
    const bytes = body(length);
    const candidates = [];
    for (const candidate of [ours[name], ...peers[name]]) candidates.push(await ready(candidate, KEY, bytes));
    micros[length] = await rounds(candidates, { count: count(61) });
  }
  const { ratios, absolute } = compared(micros);
  results[name] = ratios;
  results.absolute[name] = absolute;
  console.log(groupTable(name, ratios, absolute));
}

async function inWorkerd() {
  results.workerd = {};
  results.absolute.workerd = {};
  for (const mode of ["nodejs_compat", "plain"]) {
    const nodeCompat = mode === "nodejs_compat";
    const sizes = lengths([851, 2048, 65536, 1048576]);
    const { ratios, absolute } = compared(await workerd({ key: KEY, sizes, count: count(11), nodeCompat }));
    results.workerd[mode] = ratios;
    results.absolute.workerd[mode] = absolute;
    console.log(groupTable(`workerd, ${mode}`, ratios, absolute));
  }
}

const parts = {
  verify: () => group("verify"),
  wasmOnly: () => group("wasmOnly"),
  deliver: () => group("deliver"),
  deliverWasmOnly: () => group("deliverWasmOnly"),
  workerd: inWorkerd,
  sizes: async () => console.log(sizeTable((results.sizes = await sizes()))),
  import: () => console.log(importTable((results.importMs = importTime()))),
  memory: () => console.log(memoryTable((results.memory = memory()))),
};

for (const part of ONLY?.split(",") ?? Object.keys(parts)) {
  if (!Object.hasOwn(parts, part)) throw new Error(`ONLY names ${part}, but there is ${Object.keys(parts).join(", ")}`);
  await parts[part]();
}
if (whole) {
  results.goals = goals(results);
  const folder = join(import.meta.dirname, "../target/bench");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "sdk.json"), `${JSON.stringify(results, null, 2)}\n`);
  console.log(goalTable(results.goals));
}
