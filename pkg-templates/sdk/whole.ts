/** Checks a number that somebody has set: anything but a whole one in the range is a mistake of theirs. */
export function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${name} must be a whole number from ${least} to ${most}, but is ${value}`);
}

/** Checks a clock that somebody has set: it must be a function, and is `Date.now` where it is not given. */
export function clock(now: () => number = Date.now): () => number {
  if (typeof now === "function") return now;
  throw new TypeError(`now must be a function, but is ${now}`);
}

/** The longest that a timer runs, in milliseconds: a longer one would go off at once. */
export const LONGEST_TIMER = 0x7fff_ffff;
