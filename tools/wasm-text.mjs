// Writes bytes as printable ASCII, as pkg-templates/sdk/wasm-inline.ts reads them.
const digits = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).filter(
  (character) => !`"'\`\\`.includes(character),
);
const single = digits.length - 2;

/** The text of some bytes. */
export function encode(bytes) {
  const character = (byte) => {
    if (byte < single) return digits[byte];
    const rest = byte - single;
    return digits[single + Math.floor(rest / digits.length)] + digits[rest % digits.length];
  };
  return Array.from(bytes, character).join("");
}
