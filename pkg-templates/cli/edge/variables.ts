// The variables of the edge: their names, and the sources of their values.
import { readFileSync, statSync } from "node:fs";
import { Failure, NOT_RUN, reason } from "../failure.js";
import { distance, nearest } from "../nearest.js";
import { plain, warn } from "../terminal.js";
import { parseFile } from "./envfile.js";

/** A file with every variable, which `edge init` writes for the user. */
export const EXAMPLE = new URL("./template/dev.vars.example", import.meta.url);

/** The most edits of a misspelling, as in worker/src/config/near.rs. */
export const MOST_EDITS = 2;
/** Shorter names are too similar to variables of other programs: npm sets `NODE`, which is almost `MODE`. */
const LEAST_MISSPELT = 8;

/** The longest value: Linux limits a variable of the environment to 128 KiB. */
const MOST_BYTES = 100_000;

/** The default or an example of each variable, by its name. */
export function examples(): Map<string, string> {
  const lines = readFileSync(EXAMPLE, "utf8").matchAll(/^#? ?([A-Z_\d]+)=(.*)$/gm);
  return new Map([...lines].map(([, name, value]) => [name as string, value as string]));
}

/** The names of all variables. */
export function names(): string[] {
  return [...examples().keys()];
}

/** The names of the lists of destinations, in the order of their numbers. */
export const DESTINATIONS: readonly string[] = ["DESTINATIONS", ...Array.from({ length: 8 }, (_, index) => `DESTINATIONS_${index + 2}`)];

/** Whether the variables that are set have the URL of a destination. */
export function hasDestination(variables: Readonly<Record<string, string>>): boolean {
  return DESTINATIONS.some((name) => name in variables) || !isMissing("ORIGIN_URL", variables);
}

/** Whether a variable is neither set nor misspelt. The edge itself reports a misspelt one. */
export function isMissing(name: string, variables: Readonly<Record<string, string>>): boolean {
  const known = names();
  const isMisspelt = Object.keys(variables).some((other) => !known.includes(other) && nearest(other.toUpperCase(), [name]) !== undefined);
  return variables[name] === undefined && !isMisspelt;
}

/**
 * Returns the variables that a file or the environment sets. The environment takes precedence. It also has variables of
 * other programs, so only the edge's variables and their misspellings count. The edge itself reports every mistake.
 *
 * @throws Failure `unreadable` or `malformed`.
 */
export function variables(file: string | undefined, environment: NodeJS.ProcessEnv): Record<string, string> {
  const known = names();
  const inFile = file === undefined ? {} : read(file);
  const unset = known.filter((name) => environment[name] === undefined && inFile[name] === undefined && name.length >= LEAST_MISSPELT);
  const isMisspelt = (name: string) => unset.some((other) => distance(name.toUpperCase(), other) <= MOST_EDITS);
  const ours = Object.entries(environment).filter(([name, value]) => value !== undefined && (known.includes(name) || isMisspelt(name)));
  const all = { ...inFile, ...(Object.fromEntries(ours) as Record<string, string>) };
  // INBOX is the Worker's binding to its storage.
  if (all.INBOX !== undefined) warn("INBOX is not a variable of the edge, and has no effect: remove it");
  delete all.INBOX;
  for (const [name, value] of Object.entries(all)) {
    if (Buffer.byteLength(value) > MOST_BYTES) throw new Failure("malformed", `${plain(name)} is too long: a variable may have ${MOST_BYTES} bytes`, NOT_RUN);
  }
  return all;
}

function read(file: string): Record<string, string> {
  let bytes: Uint8Array;
  let mode: number;
  try {
    bytes = readFileSync(file);
    mode = statSync(file).mode;
  } catch (error) {
    throw new Failure("unreadable", `${plain(file)} can't be read: ${reason(error)}`, NOT_RUN);
  }
  const found = parseFile(bytes, file);
  if ((mode & 0o044) !== 0) warn(`other users can read ${plain(file)}, which has secrets: run chmod 600 on it`);
  return found;
}
