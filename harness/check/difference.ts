// Shows where the received and the signed body differ: one above the other, after their common part.
import type { Difference } from "walnut-webhooks/explain";
import { escaped } from "../page/bytes.js";
import { make } from "../page/dom.js";

/** How many bytes of the body are shown before the difference. */
const BEFORE_BYTES = 16;

/** One byte as it is written: `a`, `\n`, `\xef`. */
const UNITS = /\\x[0-9a-f]{2}|\\?[^]/gi;

/** Shows the bytes that differ, after the bytes before them. */
export function showDifference(body: Uint8Array, { at, received, signed }: Difference): HTMLElement {
  const start = Math.max(0, at - BEFORE_BYTES);
  const before = `${start > 0 ? "…" : ""}${escaped(body.subarray(start, at))}`;
  const units = [received.match(UNITS) ?? [], signed.match(UNITS) ?? []] as const;
  const differing = countDiffering(...units);
  const row = (title: string, bytes: readonly string[], differs: number) => {
    const end = bytes.length === 0 ? make("i", {}, "nothing: it ends here") : bytes.slice(differs).join("");
    return make("tr", {}, make("th", { scope: "row" }, title), make("td", {}, before, make("mark", {}, bytes.slice(0, differs).join("")), end));
  };
  return make("div", { class: "difference scroll", tabindex: "0", role: "region", "aria-label": "The bytes that differ" },
    make("table", {},
      make("caption", {}, at === body.length ? `At the body’s end, after byte ${at.toLocaleString("en")}` : `From byte ${at.toLocaleString("en")} of the body on`),
      make("tbody", {}, row("received", units[0], differing[0]), row("signed", units[1], differing[1]))));
}

/** Counts how many units of each text differ until both texts agree again. */
function countDiffering(received: readonly string[], signed: readonly string[]): [number, number] {
  for (let total = 1; total < received.length + signed.length; total++) {
    for (let a = 0; a <= total; a++) {
      const [rest, other] = [received.slice(a), signed.slice(total - a)];
      if (a > received.length || total - a > signed.length) continue;
      const length = Math.min(rest.length, other.length);
      // Both texts are cut, so one may be longer. A single equal byte may be a coincidence.
      const isSame = rest.slice(0, length).join() === other.slice(0, length).join();
      if (isSame && (length > 1 || rest.length === other.length)) return [a, total - a];
    }
  }
  return [received.length, signed.length];
}
