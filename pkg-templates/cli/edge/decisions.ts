// Shows the log of an edge to a person. The log has a line of JSON for each decision.
import { bytes, paint, plain, wrapped } from "../terminal.js";
import type { Received } from "./sample-origin.js";

type Entry = Readonly<Record<string, unknown>>;

const GOOD = ["accepted", "delivered", "recovered_from_quarantine"];

/** The longest id that is shown whole. */
const MOST_ID = 34;

/** Reads a line of the log; `undefined` if the runtime wrote it. */
export function parseDecision(line: string): Entry | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === "object" && value !== null && "event" in value ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}

/** The lines for an entry of the log. Most entries have one line. An entry for `keys` without warnings has none. */
export function decisionLines(entry: Entry): string[] {
  const { event, id, type: _, key, destination, origin, ...rest } = entry;
  if (event === "keys" && isEmpty(entry.warnings)) return [];
  if (event === "explained") return [entry.problem, entry.fix].map(sentence);
  if (event === "not_delivered") return [row("edge", event, `to ${destination}: ${failure(entry)}  ${shortened(id)}`)];
  const sentences: unknown = entry.mistakes ?? entry.warnings;
  if (Array.isArray(sentences)) return [row("edge", `${event}`, ""), ...sentences.map(sentence)];
  const details = Object.entries(rest).filter(([, value]) => value !== null);
  const named = details.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  const answer = destination === undefined ? "" : `to ${destination}: ${origin}`;
  const parts = [shortened(id), key === "previous" ? "previous key" : "", answer, ...named];
  return [row("edge", `${event}`, parts.filter((part) => part !== "").join("  "))];
}

/** How an attempt can fail without a response. */
const FAILURES: Readonly<Record<string, string>> = {
  refused: "refused the connection",
  dns: "the host is unknown",
  tls: "the TLS connection failed",
  timeout: "no response in time",
  reset: "the connection ended before the response",
};

/** Why an attempt failed, for a person. */
function failure({ origin, how, code }: Entry): string {
  if (typeof origin === "number") return `answered ${origin}`;
  return FAILURES[`${how}`] ?? `${code}`;
}

/** The line for an event at the sample origin. */
export function receivedLine({ id, type, bytes: size }: Received): string {
  return row("origin", "received", `${shortened(id)}  ${plain(type) === "unknown" ? "of unknown type, " : ""}${bytes(size)}`);
}

/** As wide as the time and the two blanks after it. */
const INDENT = " ".repeat(10);

function sentence(text: unknown): string {
  return wrapped(plain(`${text}`), INDENT);
}

function row(from: string, event: string, text: string): string {
  const time = new Date().toTimeString().slice(0, 8);
  const isGood = from === "origin" || GOOD.includes(event);
  const rest = `${paint("bold", from.padEnd(6))}  ${paint(isGood ? "green" : "yellow", plain(event).padEnd(9))}  ${plain(text)}`;
  return `${paint("dim", time)}${wrapped(rest, INDENT).slice(time.length)}`.trimEnd();
}

/** Shortens a long id to its name and the next 8 characters, which are enough to recognise it. */
function shortened(id: unknown): string {
  if (typeof id !== "string") return "";
  const at = id.indexOf(":") + 9;
  return id.length <= MOST_ID ? id : `${id.slice(0, at)}…`;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
