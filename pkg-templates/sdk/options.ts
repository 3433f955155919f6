// Checks the arguments of constructors and handlers, so that a mistake throws at the start and not at the first event.

/** The most edits at which a name counts as a misspelling of another. */
const MAX_EDITS = 2;

/** The longest timer of every runtime, in milliseconds: a longer one fires at once. */
export const LONGEST_TIMER = 0x7fff_ffff;

/**
 * Checks that options are an object, and that each of its names is known.
 *
 * @param owner - The class or function with these options, such as `Webhook`.
 * @param example - An example of such options.
 * @throws TypeError that gives the nearest valid name.
 */
export function checkOptions(owner: string, options: unknown, known: readonly string[], example: string): void {
  if (!isPlain(options)) {
    throw new TypeError(`The options of ${owner} must be an object, such as ${example}, but are ${kind(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const hint = near === undefined ? `Its options are ${known.join(", ")}.` : `Did you mean "${near}"?`;
    throw new TypeError(`${owner} has no option "${name}". ${hint}`);
  }
}

/** Whether a value is an object without a class, of any realm. The content of other objects may be private. */
export function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Finds the nearest known name that is at most two edits away from this one, ignoring case. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let found: string | undefined;
  let least = MAX_EDITS + 1;
  for (const other of known) {
    const distance = edits(name.toLowerCase(), other.toLowerCase());
    if (distance < least) [found, least] = [other, distance];
  }
  return found;
}

/** Counts the characters to insert, remove or replace to turn one text into another (the Levenshtein distance). */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let index = 1; index <= one.length; index++) {
    const next = [index];
    for (let at = 1; at < row.length; at++) {
      const replaced = (row[at - 1] as number) + Number(one[index - 1] !== other[at - 1]);
      next.push(Math.min(replaced, (row[at] as number) + 1, (next[at - 1] as number) + 1));
    }
    row = next;
  }
  return row[other.length] as number;
}

/** Returns an option that is a whole number in a range, or its default if it is not set. */
export function whole(name: string, value: unknown, fallback: number, least: number, most: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const expected = `${name} must be a whole number from ${least} to ${most}, but is`;
  if (typeof value === "number") throw new RangeError(`${expected} ${value}.`);
  if (typeof value !== "string") throw new TypeError(`${expected} ${kind(value)}.`);
  const text = JSON.stringify(value);
  throw new TypeError(`${expected} the string ${text}.${/^\d+$/.test(value) ? ` Pass Number(${text}).` : ""}`);
}

/** Returns an option that is `true` or `false`, or `false` if it is not set. */
export function flag(name: string, value: unknown): boolean {
  if (value === undefined || typeof value === "boolean") return value ?? false;
  throw new TypeError(`${name} must be true or false, but is ${kind(value)}.`);
}

/** Returns an option that is a function, or its default if it is not set. */
export function callback<F>(name: string, value: F | undefined, fallback: F): F {
  if (value === undefined) return fallback;
  if (typeof value === "function") return value;
  throw new TypeError(`${name} must be a function, but is ${kind(value)}.`);
}

/** Names the kind of a value, never its content, which may be a key. */
export function kind(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  const name = value.constructor?.name;
  return name && name !== "Object" ? `a ${name}` : "an object";
}
