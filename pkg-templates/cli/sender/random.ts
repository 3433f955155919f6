/** Gives numbers from 0 to below 1: the same ones for the same seed. */
export type Random = () => number;

/** The most that a seed may be. */
export const MOST_SEED = 0xffff_ffff;

/** Makes a seed that nobody can foresee. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

/** Makes the numbers of a seed, a whole number up to {@link MOST_SEED}. Source: mulberry32. */
export function random(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number in a range, ends included. */
export function whole(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** Lower-case hex digits. */
export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => whole(random, 0, 15).toString(16)).join("");
}

/** A UUID of version 4. */
export function uuid(random: Random): string {
  const [a, b, c, d, e] = [8, 4, 3, 3, 12].map((digits) => hex(random, digits));
  return `${a}-${b}-4${c}-${pick(random, ["8", "9", "a", "b"])}${d}-${e}`;
}

/** Puts a list in a random order, in place. */
export function shuffle<T>(random: Random, list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = whole(random, 0, last);
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
