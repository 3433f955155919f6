// The variables of the edge: their names, and where their values come from.
import { readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { Failure, NOT_RUN, reason } from "../failure.js";
import { nearest } from "../nearest.js";
import { plain } from "../terminal.js";

/** A file with every variable, which `edge init` writes for the user. */
export const EXAMPLE = new URL("./template/dev.vars.example", import.meta.url);

/** Shorter names are too near to those of other programs: npm sets `NODE`, which is almost `MODE`. */
const LEAST_MISSPELT = 8;

/** The names of all variables. */
export function names(): string[] {
  return [...readFileSync(EXAMPLE, "utf8").matchAll(/^#? ?([A-Z_\d]+)=/gm)].map(([, name]) => name as string);
}

/**
 * Returns the variables that a file sets, and those of the environment, which take precedence. The environment has other
 * programs' variables too: only the edge's, and misspellings of them, count. The edge itself reports every mistake.
 *
 * @throws Failure `unreadable`.
 */
export function variables(file: string | undefined, environment: NodeJS.ProcessEnv): Record<string, string> {
  const known = names();
  const inFile = file === undefined ? {} : parse(file);
  const unset = known.filter((name) => environment[name] === undefined && inFile[name] === undefined && name.length >= LEAST_MISSPELT);
  const isOurs = (name: string) => known.includes(name) || nearest(name.toUpperCase(), unset) !== undefined;
  const ours = Object.entries(environment).filter(([name, value]) => value !== undefined && isOurs(name));
  return { ...inFile, ...(Object.fromEntries(ours) as Record<string, string>) };
}

function parse(file: string): Record<string, string> {
  try {
    return parseEnv(readFileSync(file, "utf8")) as Record<string, string>;
  } catch (error) {
    throw new Failure("unreadable", `${plain(file)} can't be read: ${reason(error)}`, NOT_RUN);
  }
}
