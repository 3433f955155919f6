// What the edge promises of itself, and whether it was so in this run. Ratios are ours divided by theirs, in requests a
// second: above 1 is faster.
import { OURS } from "./cold.mjs";
import { DIRECT_DUTIES, DURABLE_DUTIES, WEBCRYPTO } from "./names.mjs";

/** The load that goals are set for. */
export const CONNECTIONS = 16;

const KIB = 1024;
const ratio = (value) => value.toFixed(3);
const kib = (value) => `${(value / KIB).toFixed(1)} KiB`;
const times = (value) => `${value.toFixed(2)} times`;

const at = (loads, peer, size) =>
  loads.find((load) => load.size === size && load.connections === CONNECTIONS).candidates[peer].ratio.ratio;

const GOALS = [
  ["requests/s, direct, 1 KiB, against JS with all duties", "≥", 1, ratio, ({ direct }) => at(direct, DIRECT_DUTIES, KIB)],
  ["requests/s, direct, 64 KiB, against the same", "≥", 1, ratio, ({ direct }) => at(direct, DIRECT_DUTIES, 64 * KIB)],
  ["requests/s, direct, 1 KiB, against bare JS with WebCrypto", "≥", 0.9, ratio, ({ direct }) => at(direct, WEBCRYPTO, KIB)],
  [
    "requests/s, durable, 1 KiB, against JS with all duties",
    "≥",
    1,
    ratio,
    ({ durable }) => at(durable, DURABLE_DUTIES, KIB),
  ],
  [
    "delivered/s, one shard, one destination, against the same",
    "≥",
    1,
    ratio,
    ({ delivering }) => delivering[DURABLE_DUTIES].ratio.ratio,
  ],
  ["all that is uploaded, gzipped", "≤", 150 * KIB, kib, ({ size }) => size.all.gzip],
  ["start to first answer, against an empty JS Worker", "≤", 1.35, times, ({ cold }) => cold[OURS].ratio.ratio],
];

/** Compares a whole run's results with the goals. */
export function goals(results) {
  return GOALS.map(([name, sign, limit, shown, measure]) => {
    const value = measure(results);
    const met = sign === "≥" ? value >= limit : value <= limit;
    return { name, goal: `${sign} ${shown(limit)}`, measured: shown(value), met };
  });
}
