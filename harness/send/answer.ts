// Shows one response, and how Walnut judges it.
import type { Item } from "../../pkg-templates/cli/sender/plan.js";
import type { Result } from "../../pkg-templates/cli/sender/run.js";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { size } from "../page/bytes.js";
import { make } from "../page/dom.js";
import { hint } from "./hints.js";

/** How much of a body is shown, in characters. */
const MOST_SHOWN = 20_000;

/** Shows a whole response: status, time, headers and body. */
export function showAnswer({ item, last, judgement, ok }: Result<Item>, url: string, isByRelay: boolean): HTMLElement[] {
  const { status, ms, headers, body } = last;
  const verdict = ok ? "genuine" : "rejected";
  const title = make("p", { class: "verdict" },
    make("strong", {}, status === null ? "No response" : String(status)), " ",
    make("span", { class: "hint" }, status === null ? "" : `in ${duration(ms)}`));
  const reason = make("p", {}, capital(visible(`${item.kind === "forgery" ? forgeryReason(status) : judgement.why}.`)));
  const cause = item.kind === "forgery" ? undefined : hint(last, url);
  const summary = make("div", { class: "summary", "data-verdict": verdict }, title, reason, ...(cause === undefined ? [] : [make("p", {}, visible(cause))]));
  if (status === null) return [summary];
  const rows = headers.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, visible(name.toLowerCase())), make("td", {}, visible(value))));
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(body.subarray(0, 4 * MOST_SHOWN)).slice(0, MOST_SHOWN);
  return [
    summary,
    make("h3", {}, "Headers"),
    rows.length === 0
      ? make("p", { class: "hint" }, "The browser shows no headers.")
      : make("table", { class: "pairs" }, make("caption", { class: "unseen" }, "Headers of the response"), make("tbody", {}, ...rows)),
    ...(isByRelay ? [] : [make("p", { class: "hint" }, "A browser shows only the headers that the receiver exposes (CORS).")]),
    make("h3", {}, "Body ", make("span", { class: "hint" }, size(body.length))),
    body.length === 0
      ? make("p", { class: "hint" }, "Empty.")
      : make("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Body of the response" }, text.replace(/[^\n\t]+/g, visible)),
  ];
}

function forgeryReason(status: number | null): string {
  if (status === null) return "it was a forgery: it is unknown whether the receiver rejects it";
  return "it was a forgery, and the receiver accepted it: the signature is not checked";
}

/** Writes a time, given in milliseconds, with three significant digits. */
export function duration(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 100 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

const capital = (text: string) => `${text[0]?.toUpperCase() ?? ""}${text.slice(1)}`;
