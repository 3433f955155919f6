// The goals of the edge, and whether this run met them. Ratios are ours divided by theirs, in requests a second: above
// 1 is faster.
import { OURS } from "./cold.mjs";
import {
  BURST, DIRECT_DUTIES, DUPLICATE, DURABLE_DUTIES, EVENT, FIRST_STATUS, FOUR_DESTINATIONS, IDLE, LISTS, ONE_EVENT, SHOW,
  STATUS, WEBCRYPTO,
} from "./names.mjs";
import { PRICES } from "./prices.mjs";

/** The load for which goals are set. */
export const CONNECTIONS = 16;

const KIB = 1024;
const ratio = (value) => value.toFixed(3);
const kib = (value) => `${(value / KIB).toFixed(1)} KiB`;
const times = (value) => `${value.toFixed(2)} times`;
const ms = (value) => `${value.toFixed(1)} ms`;
const rows = (value) => value.toFixed(2);
const dollars = (value) => `$${value.toFixed(2)}`;

const at = (loads, peer, size) =>
  loads.find((load) => load.size === size && load.connections === CONNECTIONS).candidates[peer].ratio.ratio;

/**
 * Returns how many times longer the largest inbox takes for an answer than the smallest: for several questions, the worst.
 */
const growth = ({ growth: { ratios } }, ...names) => Math.max(...names.map((name) => ratios[name].ratio));

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
  ["the whole upload, gzipped", "≤", 185 * KIB, kib, ({ size }) => size.all.gzip],
  ["start to first answer, against an empty JS Worker", "≤", 1.35, times, ({ cold }) => cold[OURS].ratio.ratio],
  [
    "status, of 1,000,000 deliveries stored",
    "≤",
    20,
    ms,
    ({ growth: { sizes } }) => Math.max(...[FIRST_STATUS, STATUS].map((name) => sizes.at(-1).ms[name])),
  ],
  ["lists, of 1,000,000 stored, against 1,000", "≤", 1.5, times, (results) => growth(results, ...LISTS)],
  ["one delivery by its ID, against the same", "≤", 1.5, times, (results) => growth(results, SHOW)],
  ["an event until its destination has it, against the same", "≤", 1.5, times, (results) => growth(results, EVENT)],
  [
    "longest wait of an event while 50,000 dead deliveries are redelivered",
    "≤",
    100,
    ms,
    ({ growth: { redelivery } }) => redelivery.longestMs,
  ],
  ["rows written for an event alone, until it is forgotten", "≤", 7, rows, ({ rows }) => rows[ONE_EVENT].written],
  ["rows written for the same, to four destinations", "≤", 12, rows, ({ rows }) => rows[FOUR_DESTINATIONS].written],
  ["rows written for an event of a burst, until it is delivered", "≤", 6, rows, ({ rows }) => rows[BURST].written],
  ["rows written for a duplicate", "≤", 1, rows, ({ rows }) => rows[DUPLICATE].written],
  ["rows written by a cron tick with nothing to do", "≤", 0, rows, ({ rows }) => rows[IDLE].written],
  [
    "price of the rows that a million events alone write",
    "≤",
    7,
    dollars,
    ({ rows }) => rows[ONE_EVENT].written * PRICES.written,
  ],
];

/** Compares a whole run's results with the goals. */
export function goals(results) {
  return GOALS.map(([name, sign, limit, shown, measure]) => {
    const value = measure(results);
    const met = sign === "≥" ? value >= limit : value <= limit;
    return { name, goal: `${sign} ${shown(limit)}`, measured: shown(value), met };
  });
}
