// What came of many requests, in numbers.
import type { ItemKind } from "../../pkg-templates/sender/plan.js";
import type { Line } from "../../pkg-templates/sender/summary.js";
import { make } from "../page/dom.js";
import { duration } from "./answer.js";

const TITLES: Readonly<Record<ItemKind, string>> = { event: "events", duplicate: "duplicates", forgery: "forgeries" };
const COLUMNS = ["", "sent", "as expected", "median", "p95", "slowest", "answers"];

/** Makes the table of a summary. */
export function summaryTable(lines: readonly Line[]): HTMLElement {
  const rows = lines.map(({ kind, sent, ok, outcomes, latency }) => {
    const answers = make("div", {}, ...Object.entries(outcomes).map(([status, count]) => make("div", {}, `${count} × ${status === "none" ? "no answer" : status}`)));
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
