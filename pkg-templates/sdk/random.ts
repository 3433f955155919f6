/** A function that returns numbers from 0 to below 1. */
export type Random = () => number;

/** The largest seed. */
export const MAX_SEED = 0xffff_ffff;

/**
 * Makes a source of numbers from 0 to below 1, which are the same for the same seed. Use it for random choices in a test
 * that must be repeatable after a failure, but never for secrets.
 *
 * @param seed - A whole number from 0 to 4294967295.
 */
export function random(seed: number): Random {
  // Source: mulberry32.
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Returns a whole number in a range that includes both ends. */
export function whole(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Returns a UUID of version 4. */
export function uuid(random: Random): string {
  const [a, b, c, d, e] = [8, 4, 3, 3, 12].map((digits) => hex(random, digits));
  return `${a}-${b}-4${c}-${pick(random, ["8", "9", "a", "b"])}${d}-${e}`;
}

/** Returns lowercase hex digits. */
function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => whole(random, 0, 15).toString(16)).join("");
}
