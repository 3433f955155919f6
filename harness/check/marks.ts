// Finds the place of a mistake in a value. The package has found the cause.
import type { Segment } from "../page/segments.js";

const DIGITS = 64;

const right = (text: string): Segment => ({ text, isWrong: false });
const wrong = (text: string): Segment => ({ text, isWrong: true });

/** Splits a signature into its right and its wrong parts; `undefined` if the cause is not about its form. */
export function signatureMarks(value: string, cause: string): Segment[] | undefined {
  switch (cause) {
    case "signature_uppercase":
      return split(value, /[A-F]+/g);
    case "signature_base64":
      return [wrong(value)];
    case "signature_extra_text":
    case "signature_repeated": {
      const [before = "", digits = "", after = ""] = value.split(/([0-9a-f]{64})([^]*)/i);
      return [wrong(before), right(digits), wrong(after)];
    }
    case "signature_cut":
      return withMissing(value);
    case "malformed_signature":
      if (/^[0-9a-f]*$/.test(value) && value.length < DIGITS) return withMissing(value);
      if (/^[0-9a-f]*$/.test(value)) return [right(value.slice(0, DIGITS)), wrong(value.slice(DIGITS))];
      return split(value, /[^0-9a-f]+/g);
    default:
      return undefined;
  }
}

function withMissing(value: string): Segment[] {
  const count = DIGITS - value.length;
  return [right(value), wrong(`… ${count} of ${DIGITS} digits ${count === 1 ? "is" : "are"} missing`)];
}

/** Replaces the content of a key, and hides its length. */
const HIDDEN = "••••••••";

/** Splits a key into its content, which is hidden, and the characters around it; `undefined` if the cause is not about these. */
export function keyMarks(key: string, cause: string): Segment[] | undefined {
  const around = { key_whitespace: /^([ \t\r\n]*)[^]*?([ \t\r\n]*)$/, key_quoted: /^([ \t\r\n"'`]*)[^]*?([ \t\r\n"'`]*)$/ }[cause];
  if (around === undefined) return undefined;
  const [, before = "", after = ""] = around.exec(key) ?? [];
  return [wrong(before), right(HIDDEN), wrong(after)];
}

/** Splits a text into the parts that match a pattern, which are wrong, and the others. */
function split(text: string, pattern: RegExp): Segment[] {
  const parts: Segment[] = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(pattern)) {
    parts.push(right(text.slice(at, index)), wrong(found));
    at = index + found.length;
  }
  return [...parts, right(text.slice(at))];
}
