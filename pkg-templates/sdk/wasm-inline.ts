/** What no digit is, so that any quotes will do; all other printable ASCII is, in its order. */
const NO_DIGITS = "\"'`\\";

/** How many digits there are, and below what number a byte is one of them; above, it is two. */
const DIGITS = 91;
const SINGLE = 89;

/**
 * Compiles WebAssembly from a text that the package carries: no request, no file, no `await`.
 *
 * The text keeps bytes on their own, unlike base64, so that what serves it can compress it as well as the
 * bytes themselves: a quarter less. tools/wasm-text.mjs writes it.
 */
export function compile(text: string): object {
  const values = new Uint8Array(128);
  let next = 0;
  for (let code = 0x20; code < 0x7f; code++) {
    if (!NO_DIGITS.includes(String.fromCharCode(code))) values[code] = next++;
  }
  // Every byte takes at least one digit.
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let value = values[text.charCodeAt(at)] as number;
    if (value >= SINGLE) value = SINGLE + (value - SINGLE) * DIGITS + (values[text.charCodeAt(++at)] as number);
    bytes[length++] = value;
  }
  return new WebAssembly.Module(bytes.subarray(0, length));
}
