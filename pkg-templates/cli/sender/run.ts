// Sends the requests of a plan as Walnut does: a request that is not accepted is retried, with increasing waits.
import { type Attempt, judge, type Judgement } from "./judge.js";

/** Sends a request once. It never rejects: a failure to get a response is an attempt, too. */
export type Post<T> = (item: T, signal: AbortSignal) => Promise<Attempt>;

export interface RunOptions {
  /** How many requests to start per second; `Infinity` for no limit. */
  rate: number;
  /** How many requests may be in flight at once. */
  concurrency: number;
  /** How often to retry a request that was not accepted. */
  retries: number;
  /** How long to wait before the first retry, in milliseconds; twice that before the second, and so on. */
  backoff: number;
  /** Ends the run, and cancels the requests in flight. */
  signal: AbortSignal;
}

/** The result of one request of a plan. */
export interface Result<T> {
  readonly item: T;
  /** At least one; the last one decides. */
  readonly attempts: readonly Attempt[];
  readonly last: Attempt;
  readonly judgement: Judgement;
  /** Whether it is as expected: accepted, or rejected if it is a forgery. */
  readonly ok: boolean;
}

/** Sends a list of requests, and calls `onResult` with each result. Requests that `signal` cancels have no result. */
export async function run<T extends { readonly kind: string }>(
  items: readonly T[],
  post: Post<T>,
  options: RunOptions,
  onResult: (result: Result<T>) => void,
): Promise<void> {
  const { rate, concurrency, signal } = options;
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < items.length && !signal.aborted) {
      const index = next++;
      await pause(began + (index / rate) * 1000 - performance.now(), signal);
      if (signal.aborted) return;
      const result = await deliver(items[index] as T, post, options);
      if (!signal.aborted) onResult(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/** Sends one request until it is accepted or has no retries left. A forgery is sent once. */
export async function deliver<T extends { readonly kind: string }>(
  item: T,
  post: Post<T>,
  { retries, backoff, signal }: Pick<RunOptions, "retries" | "backoff" | "signal">,
): Promise<Result<T>> {
  const attempts: Attempt[] = [];
  for (;;) {
    const last = await post(item, signal);
    attempts.push(last);
    const judgement = judge(last);
    const isForgery = item.kind === "forgery";
    if (judgement.accepted || isForgery || attempts.length > retries || signal.aborted) {
      return { item, attempts, last, judgement, ok: isForgery ? isRejected(last) : judgement.accepted };
    }
    await pause(backoff * 2 ** (attempts.length - 1), signal);
  }
}

/**
 * Removes headers and bodies from a result: there may be thousands of results, and a response may have 1 MiB.
 *
 * @param mostBytes - How much of the body of the last response to keep.
 */
export function trimmed<T>({ attempts, last, ...result }: Result<T>, mostBytes: number): Result<T> {
  const nothing = { headers: [], body: new Uint8Array() };
  const body = last.body.slice(0, mostBytes);
  return { ...result, attempts: attempts.map((attempt) => ({ ...attempt, ...nothing })), last: { ...last, headers: [], body } };
}

/** Whether a forgery was rejected: with any status but a success. Without a response, that is unknown. */
function isRejected({ status }: Attempt): boolean {
  return status !== null && status >= 300;
}

/** Waits this many milliseconds, or until `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
