// Carries a plan out, as Walnut would: what is not accepted is sent again, after longer and longer waits.
import { type Attempt, judge, type Judgement } from "./judge.js";

/** Sends a request once. It never rejects: that there was no answer is an attempt, too. */
export type Post<T> = (item: T, signal: AbortSignal) => Promise<Attempt>;

export interface RunOptions {
  /** How many to begin a second; `Infinity` for as many as there can be. */
  rate: number;
  /** How many may be under way at the same time. */
  concurrency: number;
  /** How often what was not accepted is sent again. */
  retries: number;
  /** How long to wait before the first retry, in milliseconds; twice that before the second, and so on. */
  backoff: number;
  /** Ends it: what is under way is broken off. */
  signal: AbortSignal;
}

/** What has come of one of a plan's requests. */
export interface Result<T> {
  readonly item: T;
  /** One at least; the last of them decides. */
  readonly attempts: readonly Attempt[];
  readonly last: Attempt;
  readonly judgement: Judgement;
  /** Whether it is as it should be: accepted, or refused where it is a forgery. */
  readonly ok: boolean;
}

/** Sends a list, and tells of each when it is decided. What `signal` broke off is not told of. */
export async function run<T extends { readonly kind: string }>(
  items: readonly T[],
  post: Post<T>,
  options: RunOptions,
  tell: (result: Result<T>) => void,
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
      if (!signal.aborted) tell(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}

/** Sends one until it is accepted, or has been sent often enough. A forgery is sent once. */
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
      return { item, attempts, last, judgement, ok: isForgery ? isRefusal(last) : judgement.accepted };
    }
    await pause(backoff * 2 ** (attempts.length - 1), signal);
  }
}

/**
 * Takes from a result what need not be kept of it: there may be thousands, and an answer may have a megabyte.
 *
 * @param mostBytes - How much of the last answer's body is left.
 */
export function lean<T>({ attempts, last, ...result }: Result<T>, mostBytes: number): Result<T> {
  const nothing = { headers: [], body: new Uint8Array() };
  const body = last.body.slice(0, mostBytes);
  return { ...result, attempts: attempts.map((attempt) => ({ ...attempt, ...nothing })), last: { ...last, headers: [], body } };
}

/** Whether a forgery was turned away: any answer but a success does, and none at all is no answer to it. */
function isRefusal({ status }: Attempt): boolean {
  return status !== null && status >= 300;
}

/** Waits, in milliseconds; not at all if that is 0 or less, nor longer than until `signal` aborts. */
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
