// The edge's tables for docs/benchmarks.md.
import { CONNECTIONS } from "./goals.mjs";
import {
  ACCEPTING, DIRECT, DIRECT_DUTIES, DURABLE_DUTIES, EVENT, JS_DURABLE, LIST_NEWEST, LIST_NO_NAME, PASS_THROUGH, SHOW,
  STATUS, WEBCRYPTO,
} from "./names.mjs";

const row = (...cells) => `| ${cells.join(" | ")} |`;
const thousands = (value) => Math.round(value).toLocaleString("en");

/** Returns the tables of a whole run's results as text. */
export function edgeText({ machine, goals, direct, durable, delivering, growth }) {
  const goalRows = goals.map(({ name, goal, measured, met }) => row(name, goal, measured, met ? "yes" : "no"));
  const shown = (loads) => loads.filter(({ connections }) => connections === CONNECTIONS);
  const candidate = (loads, name) =>
    row(
      name,
      ...shown(loads).flatMap(({ candidates }) => [
        thousands(candidates[name].rate),
        `${candidates[name].p50Ms.toFixed(1)} ms`,
      ]),
    );
  const rows = [
    ...[DIRECT, DIRECT_DUTIES, WEBCRYPTO, PASS_THROUGH].map((name) => candidate(direct, name)),
    ...[ACCEPTING, DURABLE_DUTIES, JS_DURABLE].map((name) => candidate(durable, name)),
  ];
  const carried = Object.entries(delivering).map(([name, it]) => row(name, thousands(it.accepted), thousands(it.delivered)));
  const grown = [LIST_NEWEST, LIST_NO_NAME, SHOW, STATUS, EVENT].map((name) =>
    row(name, ...growth.sizes.map(({ ms }) => `${ms[name].toFixed(1)} ms`)),
  );
  return `
On ${machine.cpu}, ${machine.cores} cores; medians of interleaved rounds of one run, all in one workerd, which works on
one core. Ratios are ours divided by theirs: in requests a second, above 1 is faster.

| | goal | measured | met |
|---|---|---|---|
${goalRows.join("\n")}

| over ${CONNECTIONS} connections | 1 KiB, requests/s | median | 64 KiB, requests/s | median |
|---|---|---|---|---|
${rows.join("\n")}

| one shard, 1 KiB, while it delivers | accepted/s | delivered/s |
|---|---|---|
${carried.join("\n")}

| one shard, by how many deliveries are stored | ${growth.sizes.map(({ deliveries }) => thousands(deliveries)).join(" | ")} |
|---|${growth.sizes.map(() => "---").join("|")}|
${grown.join("\n")}

`;
}
