// Measures the package against what its users would pick instead, in one run.
//
//   node bench/sdk.mjs                            all of it: the table, and target/bench/sdk.json for the README
//   ONLY=verify,wasmOnly SIZES=851,16384 ROUNDS=50 node bench/sdk.mjs
//
// ONLY names groups: verify, wasmOnly, deliver, deliverWasmOnly. SIZES are bodies' lengths in bytes.
// A partial run prints its table and leaves the file as it is.
import { body } from "./bodies.mjs";
import { ours } from "./ours.mjs";
import { peers } from "./peers.mjs";
import { compare, median, ready, rounds } from "./rounds.mjs";
import { table } from "./report.mjs";

const GROUPS = ["verify", "wasmOnly", "deliver", "deliverWasmOnly"];
const KEY = "6f0c1d5f3b9a4e7f8a2b7c4d9e0f1a2b";

const list = (name, all) => process.env[name]?.split(",") ?? all;
const groups = list("ONLY", GROUPS);
const sizes = list("SIZES", [851, 4096, 16384, 262144, 1048576]).map(Number);
const count = Number(process.env.ROUNDS ?? 31);

for (const group of groups) {
  const ratios = {};
  const absolute = {};
  for (const size of sizes) {
    const bytes = body(size);
    const candidates = [];
    for (const candidate of [ours[group], ...peers[group]]) candidates.push(await ready(candidate, KEY, bytes));
    const micros = await rounds(candidates, count);
    for (const { name } of peers[group]) (ratios[name] ??= {})[size] = compare(micros[ours[group].name], micros[name]);
    for (const name in micros) (absolute[name] ??= {})[size] = median(micros[name]);
  }
  console.log(table(group, sizes, ratios, absolute));
}
