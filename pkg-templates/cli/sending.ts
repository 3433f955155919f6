// Sends a list of requests, shows the progress, and sums up the results, for `send` and `replay`.
import { setMaxListeners } from "node:events";
import { WALNUT_BACKOFF_MS, WALNUT_RETRIES, WALNUT_TIMEOUT_MS } from "./sender/judge.js";
import { errorBody } from "./sender/error-body.js";
import type { ItemKind } from "./sender/plan.js";
import { trimmed, type Result, run, type RunOptions } from "./sender/run.js";
import { type Line, outcomesInWords, summary, TITLES } from "./sender/summary.js";
import type { Args, Options } from "./args.js";
import { CHECK_FAILED, Failure, INTERRUPTED, NOT_RUN, OK } from "./failure.js";
import type { Posted } from "./post.js";
import { clearProgress, duration, json, line, paint, plain, progress, table } from "./terminal.js";

export const RUN_OPTIONS: Options = {
  rate: { value: "N", help: "how many requests to start per second, up to 10000; by default, without a limit" },
  concurrency: { value: "N", help: "how many requests may be in flight at once, 1 to 1000; the default is 1, or 100 with --rate" },
  retries: { value: "N", help: `how often to retry a request that is not accepted, 0 to 20; the default is ${WALNUT_RETRIES}, as Walnut does` },
  timeout: { value: "TIME", help: "how long to wait for a response, up to 30s, which is Walnut's limit and the default" },
  backoff: { value: "TIME", help: "how long to wait before the first retry, up to 1h; the wait doubles with each retry; the default is 1s" },
};

export interface Sendable {
  readonly kind: ItemKind;
}

/** Sends a list of requests, shows the progress and the results, and returns the exit status. */
export async function sendAll<T extends Sendable>(
  items: readonly T[],
  post: (item: T, signal: AbortSignal, timeout: number) => Promise<Posted>,
  target: URL,
  args: Args,
  signal: AbortSignal,
  describe: (item: T) => Record<string, unknown>,
): Promise<number> {
  const isJson = args.flag("json");
  const unreachable = new AbortController();
  const ended = AbortSignal.any([signal, unreachable.signal]);
  // Each request in flight adds a listener.
  setMaxListeners(0, ended);
  const rate = args.rate("rate", 10_000);
  const options: RunOptions = {
    rate,
    concurrency: args.whole("concurrency", rate === Infinity ? 1 : 100, 1, 1000),
    retries: args.whole("retries", WALNUT_RETRIES, 0, 20),
    backoff: args.duration("backoff", WALNUT_BACKOFF_MS, 3_600_000),
    signal: ended,
  };
  const timeout = args.duration("timeout", WALNUT_TIMEOUT_MS, WALNUT_TIMEOUT_MS, 1);
  let isReached = false;
  const attempt = async (item: T, signal: AbortSignal) => {
    const posted = await post(item, signal, timeout);
    isReached ||= !posted.isUnreachable;
    return posted;
  };
  const results: Result<T>[] = [];
  let wrong = 0;
  progress(0, items.length, "");
  await run(items, attempt, options, (result) => {
    // The first request and its retries failed to connect: the others would fail, too.
    if (!isReached) return unreachable.abort(result.last.error);
    results.push(trimmed(result, result.ok ? 0 : MOST_KEPT_BYTES));
    if (!result.ok) wrong++;
    if (isJson) json({ ...describe(result.item), ...outcome(result) });
    progress(results.length, items.length, wrong === 0 ? "" : `${wrong} not as expected`);
  });
  clearProgress();
  if (unreachable.signal.aborted) throw new Failure("unreachable", `${target.origin} can't be reached: ${unreachable.signal.reason}`, NOT_RUN);
  const lines = summary(results);
  if (isJson) json({ summary: lines, planned: items.length, sent: results.length, ok: results.length - wrong });
  else {
    line(summaryTable(lines));
    for (const text of unexpectedResults(results)) line(text);
  }
  if (signal.aborted) {
    if (!isJson) line(paint("yellow", `interrupted after ${results.length} of ${items.length} requests`));
    return INTERRUPTED;
  }
  return wrong === 0 ? OK : CHECK_FAILED;
}

function outcome({ attempts, last, ok, judgement }: Result<unknown>): Record<string, unknown> {
  const { status, error, ms } = last;
  return { ok, status, error, ms: round(ms), attempts: attempts.length, why: judgement.why };
}

const round = (ms: number) => Math.round(ms * 10) / 10;

function summaryTable(lines: readonly Line[]): string {
  const columns = [{ title: "" }, ...["sent", "as expected", "retries", "median", "p95", "max"].map((title) => ({ title, align: "right" as const })), { title: "responses" }];
  return table(
    columns,
    lines.map(({ kind, sent, ok, retries, outcomes, latency }) => [
      paint("bold", TITLES[kind]),
      String(sent),
      paint(ok === sent ? "green" : "red", String(ok)),
      String(retries),
      ...[latency?.median, latency?.p95, latency?.max].map((ms) => (ms === undefined ? "–" : duration(ms))),
      outcomesInWords(outcomes).join(", "),
    ]),
  );
}

/** How much of a response is shown, in characters. An error in the form of walnut-webhooks is shown whole. */
const MOST_SHOWN = 200;
/** How much of a response is kept, in bytes. */
const MOST_KEPT_BYTES = 4096;

/** Lists the results that are not as expected, once for each reason. */
function unexpectedResults(results: readonly Result<Sendable>[]): string[] {
  const found = new Map<string, { count: number; answer: string }>();
  for (const { item, last, judgement, ok } of results) {
    if (ok) continue;
    const was = last.status === null ? "" : `${last.status}, `;
    const forged = last.status === null ? `${last.error}: the forgery was neither accepted nor rejected` : "a forgery was accepted: the signature is not checked";
    const why = `${TITLES[item.kind]}: ${was}${item.kind === "forgery" ? forged : judgement.why}`;
    const answer = shownBody(last.body);
    found.set(why, { count: (found.get(why)?.count ?? 0) + 1, answer: found.get(why)?.answer ?? answer });
  }
  return [...found].flatMap(([why, { count, answer }]) => [
    `${paint("red", "✕")} ${count} × ${why}`,
    ...(answer === "" ? [] : [paint("dim", `  ${answer}`)]),
  ]);
}

/** Shows the error in a response body, or else the beginning of the body; empty for an empty body. */
function shownBody(body: Uint8Array): string {
  const error = errorBody(body);
  if (error !== undefined) return `response error ${error.code}: ${error.message}`;
  return body.length === 0 ? "" : `response body: ${plain(new TextDecoder().decode(body)).slice(0, MOST_SHOWN)}`;
}
