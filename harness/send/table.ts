// The results of many requests as a table.
import { type Line, outcomesInWords, TITLES } from "../../pkg-templates/cli/sender/summary.js";
import { make } from "../page/dom.js";
import { duration } from "./answer.js";

const COLUMNS = ["", "sent", "as expected", "median", "p95", "slowest", "answers"];

/** Makes the table of a summary. */
export function summaryTable(lines: readonly Line[]): HTMLElement {
  const rows = lines.map(({ kind, sent, ok, outcomes, latency }) => {
    const answers = make("div", {}, ...outcomesInWords(outcomes).map((text) => make("div", {}, text)));
    const times = [latency?.median, latency?.p95, latency?.max].map((ms) => (ms === undefined ? "–" : duration(ms)));
    const judged = make("b", { class: ok === sent ? "good" : "bad" }, String(ok));
    return make("tr", {}, make("th", { scope: "row" }, TITLES[kind]), ...[String(sent), judged, ...times, answers].map((cell) => make("td", {}, cell)));
  });
  const head = COLUMNS.map((column) => (column === "" ? make("td") : make("th", { scope: "col" }, column)));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Summary" },
    make("table", { class: "numbers" },
      make("caption", { class: "unseen" }, "Summary of what was sent"),
      make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...rows)));
}
