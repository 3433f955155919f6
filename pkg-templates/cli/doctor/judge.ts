// Judges responses by Walnut's rules, and by whether the endpoint rejects forgeries.
import { ACCEPTED } from "../sender/judge.js";
import type { Posted } from "../post.js";
import { hasInternals, hasSignature } from "./answer.js";
import type { Examined } from "./examine.js";
import { type FindingCode, FINDINGS } from "./findings.js";
import type { Probe } from "./probes.js";

/** `unknown`: the response proves nothing, since the endpoint does not accept the valid delivery either. */
export type Verdict = "right" | "unknown" | "risky" | "wrong";

export interface Judged extends Examined {
  readonly verdict: Verdict;
  readonly codes: readonly FindingCode[];
}

/** A response that takes longer is close to Walnut's limit, in milliseconds. */
const SLOW_MS = 10_000;

/** Judges the responses to all probes; the first is the valid delivery. */
export function judgeAll(examined: readonly Examined[]): Judged[] {
  const good = (examined[0] as Examined).attempt;
  return examined.map(({ probe, attempt }) => {
    const outcome = judgeProbe(probe, attempt, good);
    const codes = [...(outcome === "right" || outcome === "unknown" ? [] : [outcome]), ...generalFaults(probe, attempt)];
    const verdicts: Verdict[] = codes.map((code) => FINDINGS[code].verdict);
    const verdict = verdicts.includes("wrong") ? "wrong" : outcome === "unknown" ? "unknown" : verdicts.length > 0 ? "risky" : "right";
    return { probe, attempt, verdict, codes };
  });
}

/** Whether the valid delivery did not reach the receiver, so that more responses would say nothing about it. */
export function isWrongUrl(good: Examined): boolean {
  return genuine(good.probe, good.attempt, good.attempt) === "wrong_url";
}

type Outcome = FindingCode | "right" | "unknown";

/** Judges whether the endpoint accepted or rejected the probe as expected. */
function judgeProbe(probe: Probe, attempt: Posted, good: Posted): Outcome {
  switch (probe.kind) {
    case "genuine":
    case "large":
      return genuine(probe, attempt, good);
    case "oversized":
      return oversized(attempt, good);
    case "forged":
    case "odd":
      return forged(probe, attempt, good);
    case "slow":
      return slow(attempt, good);
  }
}

/** Finds faults that any response can have. */
function generalFaults({ kind, withheld }: Probe, attempt: Posted): FindingCode[] {
  const found: FindingCode[] = [];
  if (withheld !== null && hasSignature(attempt, withheld)) found.push("signature_leaked");
  if (hasInternals(attempt)) found.push("internals_shown");
  if (kind !== "slow" && attempt.status !== null && attempt.ms > SLOW_MS) found.push("slow_answer");
  return found;
}

/** Whether Walnut counts the delivery as delivered. */
export const isAccepted = ({ status }: Posted) => status !== null && ACCEPTED.includes(status);
const isSuccess = ({ status }: Posted) => status !== null && status >= 200 && status < 300;

/** Whether a result proves nothing: it is the same as for the valid delivery, which was not accepted. */
function provesNothing(attempt: Posted, good: Posted): boolean {
  return !isAccepted(good) && attempt.status === good.status && attempt.isLate === good.isLate;
}

function genuine({ id, kind }: Probe, attempt: Posted, good: Posted): Outcome {
  const { status, isLate } = attempt;
  if (isAccepted(attempt)) return "right";
  if (isSuccess(attempt)) return "success_not_taken";
  if (status !== null && status >= 300 && status < 400) return "redirected";
  if (id !== "good_delivery") {
    if (provesNothing(attempt, good)) return "unknown";
    if (kind === "large") return isSuccess(good) || status === 413 ? "large_event_refused" : "unknown";
    if (isSuccess(good) && status !== null && status !== 429) {
      if (id === "duplicate") return "duplicate_refused";
      if (id === "unknown_event") return "unknown_event_refused";
      return "reformatted_refused";
    }
  }
  if (status === null) return isLate ? "not_in_time" : "no_answer";
  if (status === 404 || status === 405) return "wrong_url";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "endpoint_failed" : "genuine_refused";
}

function oversized(attempt: Posted, good: Posted): Outcome {
  const { status } = attempt;
  if (provesNothing(attempt, good) && !isSuccess(attempt)) return "unknown";
  if (status === 413) return "right";
  if (status === null) return "oversized_unanswered";
  return isSuccess(attempt) ? "no_size_limit" : "oversized_not_413";
}

function forged({ kind, id }: Probe, attempt: Posted, good: Posted): Outcome {
  const { status } = attempt;
  if (isSuccess(attempt)) {
    if (kind === "forged") return "forgery_accepted";
    return id === "uppercase_signature" ? "uppercase_accepted" : "several_accepted";
  }
  if (provesNothing(attempt, good) || status === 429) return "unknown";
  if (status === null) return "forgery_unanswered";
  // An endpoint that rejects every request also rejects forgeries: that proves nothing.
  if (!isSuccess(good) && good.status !== null && good.status >= 400 && Math.floor(good.status / 100) === Math.floor(status / 100)) return "unknown";
  return status >= 500 ? "forgery_failed" : "right";
}

function slow(attempt: Posted, good: Posted): Outcome {
  if (attempt.isLate) return "slow_client_kept";
  if (isSuccess(attempt)) return "accepted_unread";
  return provesNothing(attempt, good) ? "unknown" : "right";
}
