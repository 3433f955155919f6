// Runs the edge once, with an empty storage, to find the mistakes in its variables before it is started or deployed.
import { mkdtempSync } from "node:fs";
import { Failure, INTERRUPTED, NOT_RUN, reason } from "../failure.js";
import { plain } from "../terminal.js";
import { parseDecision } from "./decisions.js";
import { remove } from "./folder.js";
import { type Edge, startEdge } from "./workerd.js";

/** How long the edge may take to answer `/healthz`, in milliseconds. */
const HEALTH_MS = 10_000;

/** How long the requests in flight may take at the end, in milliseconds. */
const GRACE_MS = 10_000;

export interface Trial {
  readonly workerd: string;
  /** The beginning of the path of the temporary folder. */
  readonly prefix: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** What a mistake prevents, such as `the edge was not started`. */
  readonly prevented: string;
}

/**
 * Checks the variables, and returns the warnings about them. The Worker finds the mistakes, and puts no value in a sentence.
 *
 * @throws Failure `misconfigured` with every mistake, or `not_started`.
 */
export async function tryVariables({ workerd, prefix, variables, signal, prevented }: Trial): Promise<string[]> {
  // The error of a process that can't be started with such a value would show the value.
  const withNull = Object.keys(variables).find((name) => variables[name]?.includes("\0"));
  if (withNull !== undefined) throw new Failure("misconfigured", `${prevented}, because ${plain(withNull)} has a null byte: remove it`, NOT_RUN);
  const folder = mkdtempSync(prefix);
  const mistakes = new Set<string>();
  const warnings = new Set<string>();
  const log = (line: string) => {
    const entry = parseDecision(line);
    if (entry?.event === "misconfigured") for (const mistake of entry.mistakes as string[]) mistakes.add(mistake);
    if (entry?.event === "configuration_warnings") for (const warning of entry.warnings as string[]) warnings.add(warning);
  };
  let status: number;
  try {
    const edge = await startEdge({ workerd, data: folder, owner: "start", host: "127.0.0.1", port: 0, variables, log, isTrial: true, signal });
    status = await healthStatus(edge, signal).finally(() => edge.stop(GRACE_MS));
  } finally {
    remove(folder);
  }
  if (mistakes.size > 0) {
    const list = [...mistakes].map((sentence) => `\n  - ${sentence}`).join("");
    throw new Failure("misconfigured", `${prevented}, because its variables have mistakes:${list}`, NOT_RUN);
  }
  if (status !== 200) throw new Failure("not_started", `the edge answers /healthz with ${status}`, NOT_RUN);
  return [...warnings];
}

/**
 * Returns the status of `/healthz` of an edge on this machine.
 *
 * @throws Failure `not_started` or `interrupted`.
 */
export async function healthStatus({ url }: Edge, signal: AbortSignal): Promise<number> {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]) })).status;
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
    throw new Failure("not_started", `the edge does not answer at ${url}/healthz: ${reason((error as Error).cause ?? error)}`, NOT_RUN);
  }
}
