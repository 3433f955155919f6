import { errorBody, type ErrorBody } from "../sender/error-body.js";
import { isAccepted, type Judged, type Verdict } from "./judge.js";
import type { Patience } from "./examine.js";
import { type Finding, type FindingCode, FINDINGS, NOT_SEEN } from "./findings.js";
import { type Kind, PROBES } from "./probes.js";
import { duration, line, paint, plain, table, wrapped } from "../terminal.js";

/** A finding, and the probes that led to it. */
interface Found extends Finding {
  readonly code: FindingCode;
  readonly judged: readonly Judged[];
}

/** The results for an endpoint. */
export interface Report {
  readonly judged: readonly Judged[];
  readonly found: readonly Found[];
}

/** Collects the findings, the worst first. */
export function report(url: URL, judged: readonly Judged[]): Report {
  const found = (Object.keys(FINDINGS) as FindingCode[]).flatMap((code) => {
    const causes = judged.filter(({ codes }) => codes.includes(code));
    const isFound = code === "plain_http" ? isPlain(url) : causes.length > 0;
    return isFound ? [{ code, judged: causes, ...FINDINGS[code], ...(REJECTIONS.includes(code) && fixFromEndpoint(causes)) }] : [];
  });
  return { judged, found };
}

/** The findings about a rejected genuine request. An endpoint with walnut-webhooks gives the reason in its response. */
const REJECTIONS: readonly FindingCode[] = [
  "endpoint_failed", "genuine_refused", "reformatted_refused", "unknown_event_refused", "duplicate_refused", "large_event_refused",
];

/** The sentences that follow the message of an error in its fix, by code. */
const ADDITIONS: Readonly<Record<string, string>> = {
  body_not_raw: "",
  body_too_large: "",
  signature_mismatch: " This run signed with the key of doctor: give the endpoint and doctor the same one.",
};

/** Returns the fix in the words of the endpoint, if it answered all of these requests with the same error of walnut-webhooks. */
function fixFromEndpoint(judged: readonly Judged[]): Pick<Finding, "fix"> | undefined {
  const [first, ...others] = judged.map(ownError);
  if (first === undefined || others.some((other) => other?.code !== first.code)) return undefined;
  return { fix: `The endpoint answered ${first.code}: ${first.message}${ADDITIONS[first.code] ?? " The log of the endpoint has the cause."}` };
}

/** The error of walnut-webhooks in a response. */
function ownError({ attempt }: Judged): ErrorBody | undefined {
  const error = errorBody(attempt.body);
  return error?.isOwn ? error : undefined;
}

/** Whether requests to the URL travel unencrypted over a network. */
function isPlain({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && !/^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** The report for programs. */
export function reportJson(url: URL, { judged, found }: Report): unknown {
  return {
    url: url.href,
    probes: judged.map(({ probe: { id }, attempt: { status, error, ms }, verdict, codes }) => {
      return { id, verdict, status, error, ms: Math.round(ms), findings: codes };
    }),
    findings: found.map(({ code, verdict, judged, finding, fix }) => {
      return { code, verdict, probes: judged.map(({ probe }) => probe.id), finding, fix };
    }),
    skipped: PROBES - judged.length,
    not_seen: NOT_SEEN,
  };
}

const STYLES = { right: "green", unknown: "dim", risky: "yellow", wrong: ["bold", "red"] } as const;
const WORDS: Readonly<Record<Verdict, string>> = { right: "right", unknown: "unknown", risky: "risky", wrong: "wrong" };
const EXPECTED: Readonly<Record<Kind, string>> = {
  genuine: "accepted",
  large: "accepted",
  oversized: "rejected",
  forged: "rejected",
  odd: "rejected",
  slow: "ended",
};

const coloured = (verdict: Verdict) => paint([...[STYLES[verdict]].flat()], WORDS[verdict]);

/** Shows the report to a person. */
export function showReport({ judged, found }: Report, patience: Patience): void {
  line(
    table(
      [{ title: "probe" }, { title: "expected" }, { title: "response" }, { title: "time", align: "right" }, { title: "verdict" }],
      judged.map((row) => [row.probe.title, EXPECTED[row.probe.kind], answered(row, patience), duration(row.attempt.ms), coloured(row.verdict)]),
    ),
  );
  line();
  for (const { code, verdict, judged, finding, fix } of found) {
    line(`${coloured(verdict)}  ${paint("bold", code)}`);
    line(wrapped(finding, INDENT));
    for (const [answer, titles] of grouped(judged, patience)) line(paint("dim", wrapped(`${answer}: ${listed(titles)}`, INDENT)));
    line(wrapped(`Fix: ${fix}`, INDENT));
    line();
  }
  line(totals(judged, found));
  if (judged.length < PROBES) return line(wrapped("The other checks were skipped. Correct the URL, and run doctor again."));
  if (judged.some(({ verdict }) => verdict === "unknown")) {
    const why = judged[0] !== undefined && isAccepted(judged[0].attempt) ? "a rate limit applied" : "the endpoint did not accept the valid delivery";
    line(wrapped(`Some results are unknown, because ${why}. Fix that first, and run doctor again.`));
  }
  line(paint("dim", wrapped(NOT_SEEN)));
}

const INDENT = " ".repeat("wrong  ".length);

function answered({ probe: { kind }, attempt: { status, isLate } }: Judged, { timeout, patience }: Patience): string {
  if (status !== null) return String(status);
  return isLate ? `none in ${duration(kind === "slow" ? patience : timeout)}` : "connection closed";
}

/** The probes of a finding, by the response to them. */
function grouped(judged: readonly Judged[], patience: Patience): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const row of judged) {
    const where = row.attempt.headers.find(([name]) => name.toLowerCase() === "location")?.[1];
    const answer = answered(row, patience) + (where === undefined ? "" : ` to ${plain(where).slice(0, 200)}`);
    groups.set(answer, [...(groups.get(answer) ?? []), row.probe.title]);
  }
  return groups;
}

/** How many probes a finding lists. The table lists all. */
const MOST_LISTED = 4;

function listed(titles: readonly string[]): string {
  const more = titles.length - MOST_LISTED;
  return titles.slice(0, MOST_LISTED).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

function totals(judged: readonly Judged[], found: readonly Found[]): string {
  const counts = (["right", "wrong", "risky", "unknown"] as const).flatMap((verdict) => {
    const count = judged.filter((row) => row.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${coloured(verdict)}`];
  });
  const findings = found.length === 0 ? "no findings" : `${found.length} ${found.length === 1 ? "finding" : "findings"}`;
  return `${counts.join(", ")}; ${findings}`;
}
