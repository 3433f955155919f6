import { text } from "./wasm-text.js";

/** How many characters stand for themselves: printable ASCII but for the quote and the backslash. */
const DIGITS = 93;

/** Bytes below this are one digit; the others are two, of which the first says so. */
const SINGLE = 91;

/**
 * Compiles the core from the text that the package carries: no request, no file, no `await`.
 *
 * The text keeps bytes on their own, unlike base64, so that what serves it can compress it as well as the
 * bytes themselves: a quarter less. tools/wasm-text.mjs writes it.
 */
export function module(): object {
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; ) {
    let value = digit(at++);
    if (value >= SINGLE) value = SINGLE + (value - SINGLE) * DIGITS + digit(at++);
    bytes[length++] = value;
  }
  return new WebAssembly.Module(bytes.subarray(0, length));
}

function digit(at: number): number {
  const code = text.charCodeAt(at);
  return code - (code > 0x5c ? 0x22 : code > 0x22 ? 0x21 : 0x20);
}
