import type { ItemKind } from "./plan.js";
import type { Result } from "./run.js";

/** Response times, in milliseconds. */
export interface Latency {
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** The results of all requests of a kind. */
export interface Line {
  readonly kind: ItemKind;
  /** How many have a result. */
  readonly sent: number;
  /** How many results are as expected: events are accepted, and forgeries are rejected. */
  readonly ok: number;
  /** How many retries there were. */
  readonly retries: number;
  /** How often each outcome of an attempt occurred: a status, or `none` without a response. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Over all attempts with a response; `null` if there were none. */
  readonly latency: Latency | null;
}

/** The names of the kinds, in the plural. */
export const TITLES: Readonly<Record<ItemKind, string>> = { event: "events", duplicate: "duplicates", forgery: "forgeries" };

/** The outcomes of a line, such as `2 × 200` and `1 × no response`. */
export function outcomesInWords(outcomes: Line["outcomes"], none = "no response"): string[] {
  return Object.entries(outcomes).map(([status, count]) => `${count} × ${status === "none" ? none : status}`);
}

const KINDS: readonly ItemKind[] = ["event", "duplicate", "forgery"];

/** Sums up the results by kind; a kind without results has no line. */
export function summary(results: readonly Result<{ readonly kind: ItemKind }>[]): Line[] {
  return KINDS.map((kind) => line(kind, results.filter(({ item }) => item.kind === kind))).filter(({ sent }) => sent > 0);
}

function line(kind: ItemKind, results: readonly Result<unknown>[]): Line {
  const attempts = results.flatMap(({ attempts }) => attempts);
  const outcomes: Record<string, number> = {};
  for (const { status } of attempts) outcomes[status ?? "none"] = (outcomes[status ?? "none"] ?? 0) + 1;
  return {
    kind,
    sent: results.length,
    ok: results.filter(({ ok }) => ok).length,
    retries: attempts.length - results.length,
    outcomes,
    latency: latency(attempts.filter(({ status }) => status !== null).map(({ ms }) => ms)),
  };
}

/** The quantiles of some times, by nearest rank; `null` if there are none. */
function latency(times: readonly number[]): Latency | null {
  if (times.length === 0) return null;
  const sorted = [...times].sort((a, b) => a - b);
  const at = (quantile: number) => sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] as number;
  return { min: at(0), median: at(0.5), p95: at(0.95), max: at(1) };
}
