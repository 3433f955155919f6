// Where a body differs from what was signed: both, one above the other, behind what they have in common.
import type { Explanation } from "walnut-webhooks";
import { escaped } from "../page/bytes.js";
import { make } from "../page/dom.js";

type Difference = NonNullable<Explanation["difference"]>;

/** How much of the body is shown before the place, in bytes. */
const BEFORE_BYTES = 24;

/** One byte as it is written: `a`, `\n`, `\xef`. */
const UNITS = /\\x[0-9a-f]{2}|\\?[^]/gi;

/** Shows the bytes that differ in their place in the body. */
export function showDifference(body: Uint8Array, { at, found, meant }: Difference): HTMLElement {
  const start = Math.max(0, at - BEFORE_BYTES);
  const before = `${start > 0 ? "…" : ""}${escaped(body.subarray(start, at))}`;
  const row = (title: string, its: string, other: string) => {
    const [differs, same] = apart(its, other);
    const end = its === "" ? make("i", {}, "nothing: it ends here") : same;
    return make("tr", {}, make("th", { scope: "row" }, title), make("td", {}, before, make("mark", {}, differs), end));
  };
  return make("div", { class: "difference scroll", tabindex: "0", role: "region", "aria-label": "The bytes that differ" },
    make("table", {},
      make("caption", {}, at === body.length ? `At the body’s end, after byte ${at.toLocaleString("en")}` : `From byte ${at.toLocaleString("en")} of the body on`),
      make("tbody", {}, row("came", found, meant), row("signed", meant, found))));
}

/** Splits what differs from an end that both have in common. */
function apart(its: string, other: string): [string, string] {
  const [a, b] = [its.match(UNITS) ?? [], other.match(UNITS) ?? []];
  let common = 0;
  while (common < Math.min(a.length, b.length) - 1 && a.at(-1 - common) === b.at(-1 - common)) common++;
  const end = a.length - common;
  return [a.slice(0, end).join(""), a.slice(end).join("")];
}
