const UNITS: readonly (readonly [name: string, ms: number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
];

/** Describes how long ago or how far ahead a time is, such as `3 h ago`. */
export function age(ms: number): string {
  const [name, length] = UNITS.find(([, length]) => Math.abs(ms) >= length) ?? ["s", 1000];
  const count = Math.floor(Math.abs(ms) / length);
  if (count === 0) return "just now";
  return ms < 0 ? `in ${count.toLocaleString("en")} ${name}` : `${count.toLocaleString("en")} ${name} ago`;
}
