import { utf8Classes } from "./utf8.js";

/** The printable ASCII characters that are not digits, so that the text can be quoted in any way. */
const NO_DIGITS = "\"'`\\";

/** The number of digits, and of the digits that encode a byte alone. Each other digit is the first of two. */
const DIGITS = 91;
const SINGLE = 89;

/**
 * Compiles WebAssembly from a text that the package carries: no request, no file, no `await`.
 *
 * Most bytes are one character each, unlike in base64. So the text compresses as well as the bytes, and is a quarter
 * smaller than base64. tools/wasm-text.mjs writes it.
 */
export function compile(text: string): object {
  const digits = new Uint8Array(128);
  let next = 0;
  for (let code = 0x20; code < 0x7f; code++) {
    if (!NO_DIGITS.includes(String.fromCharCode(code))) digits[code] = next++;
  }
  // The bytes are written over the characters, since every byte takes at least one.
  const bytes = new (utf8Classes().TextEncoder)().encode(text);
  const digit = (at: number) => digits[bytes[at] as number] as number;
  // The values that take one digit come first; the others follow in ascending order.
  const values: number[] = [];
  let value = 0;
  for (let at = 0; at < SINGLE; at++) values.push((value += digit(at)));
  for (value = 0; value < 256; value++) if (values.indexOf(value) < 0) values.push(value);
  // For each character, the byte that it encodes alone, or -1. The table saves a step for each byte: the loop runs once,
  // before the engine compiles it.
  const single = Array.from(digits, (digit) => (digit < SINGLE ? (values[digit] as number) : -1));
  let length = 0;
  for (let at = SINGLE; at < bytes.length; at++) {
    const byte = single[bytes[at] as number] as number;
    bytes[length++] = byte < 0 ? (values[SINGLE + (digit(at) - SINGLE) * DIGITS + digit(++at)] as number) : byte;
  }
  return new WebAssembly.Module(bytes.subarray(0, length));
}
