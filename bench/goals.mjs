// The goals of the package, and whether this run met them. Ratios are ours divided by theirs.
import { HASH_WASM, NODE, OURS, STANDARD, SUBTLE, ZOD } from "./names.mjs";

const KIB = 1024;
const MIB = 1024 * KIB;

const ratio = (value) => value.toFixed(3);
const kib = (value) => `${(value / KIB).toFixed(1)} KiB`;
const mib = (value) => `${(value / MIB).toFixed(2)} MiB`;
const ms = (value) => `${value.toFixed(1)} ms`;

/** Returns the worst of the median ratios at several lengths. */
const worst = (sizes) => Math.max(...sizes.map((compared) => compared.ratio));
const at = (group, peer, ...sizes) => worst(sizes.map((size) => group[peer][size]));
const everywhere = ({ workerd }, ...sizes) =>
  Math.max(...Object.values(workerd).map((group) => at(group, SUBTLE, ...sizes)));

const GOALS = [
  ["verify 851 B, against node:crypto + timingSafeEqual", 0.68, ratio, ({ verify }) => at(verify, NODE, 851)],
  ["verify 16 KiB to 1 MiB, against the same", 1.03, ratio, ({ verify }) => at(verify, NODE, 16 * KIB, 256 * KIB, MIB)],
  ["verify 851 B without a native hash, against the same", 1.05, ratio, ({ wasmOnly }) => at(wasmOnly, NODE, 851)],
  ["verify 1 MiB without a native hash, against hash-wasm", 0.9, ratio, ({ wasmOnly }) => at(wasmOnly, HASH_WASM, MIB)],
  ["verify and type 851 B, against node:crypto + zod strict", 0.8, ratio, ({ deliver }) => at(deliver, ZOD, 851)],
  ["verify and type 851 B, against standardwebhooks", 0.35, ratio, ({ deliver }) => at(deliver, STANDARD, 851)],
  ["in workerd 851 B, against subtle.verify with a cached key", 0.8, ratio, (all) => everywhere(all, 851)],
  [
    "in workerd with nodejs_compat 64 KiB and up, against the same",
    1.1,
    ratio,
    ({ workerd }) => at(workerd.nodejs_compat, SUBTLE, 64 * KIB, MIB),
  ],
  ["the whole package in a browser's bundle, gzipped", 21 * KIB, kib, ({ sizes }) => sizes[OURS].gzip],
  [
    "import to first delivery, beyond an empty module",
    12,
    ms,
    ({ importMs }) => Math.max(importMs.import.extra, importMs.require.extra),
  ],
  [
    "WebAssembly memory after 1,000 bodies of 1 MiB",
    4 * MIB,
    mib,
    ({ memory }) => Math.max(...Object.values(memory).map((held) => held[1000])),
  ],
  [
    "growth of this memory after the first 10 bodies",
    0,
    mib,
    ({ memory }) => Math.max(...Object.values(memory).map((held) => held[1000] - held[10])),
  ],
];

/** Compares a whole run's results with the goals. */
export function goals(results) {
  return GOALS.map(([name, limit, shown, measure]) => {
    const value = measure(results);
    return { name, goal: `≤ ${shown(limit)}`, measured: shown(value), met: value <= limit };
  });
}
