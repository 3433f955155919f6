// Random choices for requests: the same seed gives the same choices.
import { random } from "walnut-webhooks/testing";

export { random };
export type Random = ReturnType<typeof random>;

/** The largest seed. */
export const MOST_SEED = 0xffff_ffff;

/** Makes an unpredictable seed. */
export function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

/** Returns a whole number in a range that includes both ends. */
export function whole(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

/** Returns lowercase hex digits. */
export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => whole(random, 0, 15).toString(16)).join("");
}

/** Puts a list into a random order, in place. */
export function shuffle<T>(random: Random, list: T[]): T[] {
  for (let last = list.length - 1; last > 0; last--) {
    const other = whole(random, 0, last);
    [list[last], list[other]] = [list[other] as T, list[last] as T];
  }
  return list;
}
