// Writes bytes as printable ASCII, as pkg-templates/sdk/wasm-inline.ts reads them.
const digits = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).filter(
  (character) => !`"'\`\\`.includes(character),
);
const single = digits.length - 2;

/**
 * Returns a text. First come the values that take one digit, each as the distance from the previous one, and then the
 * bytes.
 */
export function encode(bytes) {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte]++;
  const common = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b).slice(0, single).sort((a, b) => a - b);
  const rare = [...counts.keys()].filter((byte) => !common.includes(byte));
  const distances = common.map((byte, index) => digits[byte - (common[index - 1] ?? 0)]);
  const texts = Array.from(counts, (_, byte) => {
    if (common.includes(byte)) return digits[common.indexOf(byte)];
    const index = rare.indexOf(byte);
    return digits[single + Math.floor(index / digits.length)] + digits[index % digits.length];
  });
  if (distances.includes(undefined)) throw new Error("two common bytes are too far apart for one digit");
  return distances.join("") + Array.from(bytes, (byte) => texts[byte]).join("");
}
