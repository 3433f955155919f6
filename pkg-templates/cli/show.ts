// Shows deliveries and explanations to a person.
import type { Delivery, Drift } from "walnut-webhooks";
import type { Explanation } from "walnut-webhooks/explain";
import { duration, paint, plain } from "./terminal.js";

/** A line for each part of a delivery. */
export function deliveryLines(delivery: Delivery): string[] {
  const { type, name, id, timestamp, isTest, keyIndex, drift } = delivery;
  const rows: [string, string][] = [
    ["type", type === "unknown" ? paint("yellow", "unknown") : type],
    ...(name === type ? [] : [["name", name === null ? paint("dim", "none") : plain(name)] as [string, string]]),
    ["id", id],
    ["timestamp", timestamp === null ? paint("dim", "none") : `${plain(timestamp)}${age(timestamp)}`],
    ["key", keyIndex === 0 ? "current" : paint("yellow", `previous (key ${keyIndex + 1})`)],
    ...(isTest ? [["test", "yes"] as [string, string]] : []),
    ...(drift.length === 0 ? [["drift", paint("dim", "none")] as [string, string]] : []),
  ];
  return [...rows.map(([name, value]) => row(name, value)), ...drift.map(driftLine)];
}

function driftLine({ path, kind, expected, found }: Drift): string {
  const difference = {
    added: `added: ${found}`,
    missing: `missing: ${expected} expected`,
    type: `${expected} expected, ${found} found`,
  }[kind];
  return `${paint("yellow", "drift".padEnd(9))} ${plain(path)}: ${difference}`;
}

/** How long ago a timestamp is, in parentheses; empty if it is not a valid time. */
function age(timestamp: string): string {
  const ms = Date.now() - Date.parse(timestamp);
  if (Number.isNaN(ms)) return "";
  return paint("dim", ms < 0 ? ` (${duration(-ms)} in the future)` : ` (${duration(ms)} ago)`);
}

/** A line for each part of an explanation. */
export function explanationLines({ code, cause, problem, fix, difference }: Explanation): string[] {
  const lines = [`${paint(["bold", "red"], "rejected")}  ${code}`, row("cause", cause), row("problem", problem), row("fix", fix)];
  if (difference === null) return lines;
  const { at, received, signed } = difference;
  return [
    ...lines,
    row("at byte", String(at)),
    row("received", paint("red", quoted(received))),
    row("signed", paint("green", quoted(signed))),
  ];
}

function row(name: string, value: string): string {
  return `${paint("dim", name.padEnd(9))} ${value}`;
}

function quoted(text: string): string {
  return text === "" ? "the end of the body" : text.replaceAll(" ", "·");
}
