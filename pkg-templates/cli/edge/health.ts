// Asks a deployed edge whether it is healthy.
import { setTimeout as sleep } from "node:timers/promises";
import { CHECK_FAILED, Failure, INTERRUPTED, reason } from "../failure.js";

/** How long the previous version of an edge may answer after a deployment, in milliseconds. */
const PREVIOUS_MS = 10_000;

/** How long to wait between two requests, in milliseconds. */
const PAUSE_MS = 1000;

/** How long to wait for one response, in milliseconds. */
const RESPONSE_MS = 10_000;

export type Health = "ok" | "setup";

export interface Expectation {
  /** Whether the edge was deployed with a key, so that it is not in set-up. */
  readonly hasKey: boolean;
  /** How long the edge may take to become healthy, in milliseconds. */
  readonly waitMs: number;
  /** The command that deploys the edge again. */
  readonly redeploy: string;
  /** The flag that selects the environment in wrangler, with a blank before it. */
  readonly envFlag: string;
}

interface Answer {
  readonly status: number;
  /** The health, or the code of the edge's error; neither if the response is not from an edge. */
  readonly health?: Health;
  readonly code?: string;
}

/**
 * Waits until an edge is healthy: a new address needs some time, and so does a new version.
 *
 * @throws Failure `unreachable`, `not_an_edge` or `unhealthy`.
 */
export async function waitForHealth(url: URL, expectation: Expectation, signal: AbortSignal): Promise<Health> {
  const { hasKey, waitMs } = expectation;
  const start = Date.now();
  for (;;) {
    const answer = await ask(url, signal);
    if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
    const { health, code } = answer instanceof Error ? {} : answer;
    if (health === "ok" || (health === "setup" && !hasKey)) return health;
    const isEdge = health !== undefined || code !== undefined;
    const end = start + (isEdge ? Math.min(waitMs, PREVIOUS_MS) : waitMs);
    if (Date.now() + PAUSE_MS > end) throw unhealthy(url, answer, expectation);
    await sleep(PAUSE_MS);
  }
}

async function ask(url: URL, signal: AbortSignal): Promise<Answer | Error> {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(RESPONSE_MS)]), redirect: "manual" });
    const { ok, status, error } = parsed(await response.text());
    if (response.status === 200 && ok === true) return { status: 200, health: status === "setup" ? "setup" : "ok" };
    // Checked, because the code is printed.
    const isCode = typeof error?.code === "string" && /^[a-z_]{1,40}$/.test(error.code);
    return { status: response.status, ...(isCode && { code: error.code as string }) };
  } catch (error) {
    return error as Error;
  }
}

function parsed(text: string): { ok?: unknown; status?: unknown; error?: { code?: unknown } } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}

function unhealthy(url: URL, answer: Answer | Error, { redeploy, envFlag }: Expectation): Failure {
  const failure = (code: string, sentence: string) => new Failure(code, `the Worker is deployed, but ${url} ${sentence}`, CHECK_FAILED);
  if (answer instanceof Error) {
    const cause = answer.name === "TimeoutError" ? "it did not answer in time" : reason(answer.cause ?? answer);
    return failure("unreachable", `can't be reached: ${cause}. A new address can need a few minutes: run ${redeploy} again then. If the edge has another address, give it with --url`);
  }
  const { status, health, code } = answer;
  if (health !== undefined) return failure("unhealthy", `still answers as an edge without a key: run ${redeploy} again in a minute`);
  if (code === undefined) return failure("not_an_edge", `answered ${status}, which is not the response of an edge. If the edge has another address, give it with --url`);
  return failure("unhealthy", `answered ${status} ${code}. ${fix(status, code, url, envFlag)}, and run ${redeploy}`);
}

function fix(status: number, code: string, url: URL, envFlag: string): string {
  const list = `The page ${new URL("/admin/", url)} lists the mistakes, and so does npx wrangler tail${envFlag} at each request`;
  if (status === 500) {
    return `The edge does not accept events, because WALNUT_WEBHOOK_KEY is missing or invalid, or MODE is invalid. ${list}. An edge that has had a key needs one: run npx wrangler secret put WALNUT_WEBHOOK_KEY${envFlag}`;
  }
  if (code === "misconfigured") return `The edge accepts events, and holds them, because its variables have mistakes. ${list}. Correct them`;
  return `The edge's storage did not answer. Look at its log with npx wrangler tail${envFlag}`;
}
