// Formats the results of the edge's benchmark.
import { columns } from "../report.mjs";
import { PRICES, priceOf } from "./prices.mjs";

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const rate = (value) => `${Math.round(value)}/s`;
const percent = (value) => `${Math.round(value * 100)} %`;
const quartiles = ({ ratio, low, high }) => `×${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

/**
 * Formats for each load the requests a second, ×, which is ours divided by theirs, with its quartiles, the latencies, and how
 * busy workerd and the load kept a core.
 */
export function trafficTable(title, loads) {
  const rows = loads.flatMap(({ size, connections, candidates }) => [
    [`${kib(size)}, ${connections} connections`, "", "", "", "", "", ""],
    ...Object.entries(candidates).map(([name, it]) => [
      `  ${name}`,
      rate(it.rate),
      it.ratio ? quartiles(it.ratio) : "",
      ms(it.p50Ms),
      ms(it.p99Ms),
      percent(it.workerdBusy),
      percent(it.loadBusy),
    ]),
  ]);
  return columns([title, "requests", "ours/theirs", "p50", "p99", "workerd", "load"], rows);
}

export function deliveringTable(delivering) {
  const rows = Object.entries(delivering).map(([name, { accepted, delivered, drainMs, ratio }]) => [
    name,
    rate(accepted),
    rate(delivered),
    ratio ? quartiles(ratio) : "",
    ms(drainMs),
  ]);
  return columns(["durable, while it delivers", "accepted", "delivered", "ours/theirs", "until drained"], rows);
}

export function coldTable(cold) {
  const rows = Object.entries(cold).map(([name, it]) => [name, ms(it.ms), quartiles(it.ratio)]);
  return columns(["start to first answer", "median", "to a plain one"], rows);
}

export function sizeTable(size) {
  const rows = Object.entries(size).map(([name, { bytes, gzip }]) => [name, kib(bytes), kib(gzip)]);
  return columns(["uploaded", "raw", "gzipped"], rows);
}

/** Formats for each question how long an inbox of each size takes to answer, and the largest time divided by the smallest. */
export function growthTable({ sizes, ratios, redelivery, erasure }) {
  const rows = Object.entries(ratios).map(([name, ratio]) => [name, ...sizes.map((size) => ms(size.ms[name])), quartiles(ratio)]);
  const head = sizes.map(({ deliveries }) => deliveries.toLocaleString("en"));
  rows.push(["stored, MB", ...sizes.map(({ bytes }) => (bytes / 1e6).toFixed(1)), ""]);
  const stalls = Object.entries({
    [`${redelivery.redelivered.toLocaleString("en")} dead deliveries are redelivered`]: redelivery,
    [`${erasure.searched.toLocaleString("en")} bodies are searched for an address`]: erasure,
  }).map(([name, it]) => [name, ms(it.ms), `${it.events}`, ms(it.medianMs), ms(it.longestMs)]);
  return [
    columns(["deliveries of 851 B that are stored", ...head, "largest/smallest"], rows),
    columns([`of ${head.at(-1)}, while`, "takes", "events", "median wait", "longest"], stalls),
  ].join("\n");
}

/** Formats the billed amounts for each case, and the price of a million. */
export function rowsTable(rows) {
  const lines = Object.entries(rows).map(([name, counts]) => [
    name,
    ...Object.keys(PRICES).map((unit) => counts[unit]?.toFixed(2) ?? ""),
    counts.requests === undefined ? "" : `$${priceOf(counts).toFixed(2)}`,
  ]);
  const head = ["rows written", "read", "requests", "to the inbox", "log events", "a million"];
  return columns(["billed", ...head], lines);
}
