// The results of many requests as a table.
import { type Line, outcomesInWords, TITLES } from "../../pkg-templates/cli/sender/summary.js";
import { make } from "../page/dom.js";
import { duration } from "./answer.js";

type Cell = (line: Line) => Node | string;

const time = (ms: number | undefined) => (ms === undefined ? "–" : duration(ms));

const ROWS: readonly (readonly [title: string, cell: Cell])[] = [
  ["sent", ({ sent }) => String(sent)],
  ["as expected", ({ sent, ok }) => make("b", { class: ok === sent ? "good" : "bad" }, String(ok))],
  ["median", ({ latency }) => time(latency?.median)],
  ["p95", ({ latency }) => time(latency?.p95)],
  ["slowest", ({ latency }) => time(latency?.max)],
  ["responses", ({ outcomes }) => make("div", {}, ...outcomesInWords(outcomes, "none").map((text) => make("div", {}, text)))],
];

/** Makes the table of a summary. It has a column for each kind of request, so that it fits a narrow window. */
export function summaryTable(lines: readonly Line[]): HTMLElement {
  const head = lines.map(({ kind }) => make("th", { scope: "col" }, TITLES[kind]));
  const rows = ROWS.map(([title, cell]) => make("tr", {}, make("th", { scope: "row" }, title), ...lines.map((line) => make("td", {}, cell(line)))));
  return make("table", { class: "numbers" },
    make("caption", { class: "unseen" }, "Summary of the requests"),
    make("thead", {}, make("tr", {}, make("td"), ...head)),
    make("tbody", {}, ...rows));
}
