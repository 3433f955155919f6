// Prints the output of the commands: results to standard output, and notes and warnings to standard error.
import { styleText } from "node:util";

type Style = Parameters<typeof styleText>[0];

/** Whether standard output and standard error are terminals. */
export const isTerminal = { out: process.stdout.isTTY === true, err: process.stderr.isTTY === true };

// Source: https://no-color.org and https://force-color.org
const forced = (process.env.FORCE_COLOR ?? "") !== "" && process.env.FORCE_COLOR !== "0";
const disabled = (process.env.NO_COLOR ?? "") !== "" || process.env.TERM === "dumb";
const isColored = { out: forced || (isTerminal.out && !disabled), err: forced || (isTerminal.err && !disabled) };

/** Colours a text for standard output, if it shows colours. */
export function paint(style: Style, text: string): string {
  return isColored.out ? styleText(style, text, { validateStream: false }) : text;
}

export function out(text: string | Uint8Array): void {
  process.stdout.write(text);
}

export function line(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Writes a value as one line of JSON. */
export function json(value: unknown): void {
  line(JSON.stringify(value));
}

let isForPrograms = false;

/** From now on, notes and warnings are JSON, too. */
export function asJson(): void {
  isForPrograms = true;
}

/** Prints a note to standard error. */
export function say(text: string): void {
  clearProgress();
  process.stderr.write(isForPrograms ? `${JSON.stringify({ note: text })}\n` : `${text}\n`);
}

export function warn(text: string): void {
  const label = isColored.err ? styleText("yellow", "warning:", { validateStream: false }) : "warning:";
  if (isForPrograms) process.stderr.write(`${JSON.stringify({ warning: text })}\n`);
  else say(`${label} ${text}`);
}

let shown = "";

/** Shows a progress bar with a note, if standard error is a terminal. */
export function progress(done: number, all: number, note: string): void {
  if (!isTerminal.err) return;
  const width = Math.max(10, Math.min(40, (process.stderr.columns || 80) - note.length - 16));
  const filled = all === 0 ? width : Math.round((width * done) / all);
  const text = `${"█".repeat(filled)}${"░".repeat(width - filled)} ${done}/${all} ${note}`;
  if (text === shown) return;
  process.stderr.write(`\r${text}\x1b[K`);
  shown = text;
}

export function clearProgress(): void {
  if (shown !== "") process.stderr.write("\r\x1b[K");
  shown = "";
}

export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/** Lays out rows below titles. Each column is as wide as its widest cell; colours have no width. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) => Math.max(width(title), ...rows.map((row) => width(row[index] ?? ""))));
  const laid = (cells: readonly string[]) =>
    cells
      .map((cell, index) => {
        const blanks = " ".repeat((widths[index] as number) - width(cell));
        return columns[index]?.align === "right" ? blanks + cell : cell + blanks;
      })
      .join("  ")
      .trimEnd();
  const titles = laid(columns.map(({ title }) => title));
  return [paint("dim", titles), ...rows.map(laid)].join("\n");
}

const ESCAPES = /\x1b\[[0-9;]*m/g;

function width(text: string): number {
  return [...text.replace(ESCAPES, "")].length;
}

/** Breaks a text at blanks into lines with this indent, as wide as the terminal and at most 100 columns. */
export function wrapped(text: string, indent = ""): string {
  const columns = Math.min(process.stdout.columns || 100, 100);
  const lines: string[] = [];
  let current = "";
  for (const word of text.split(" ")) {
    if (current !== "" && indent.length + width(current) + 1 + width(word) > columns) {
      lines.push((indent + current).trimEnd());
      current = word;
    } else {
      current = current === "" ? word : `${current} ${word}`;
    }
  }
  return [...lines, indent + current].join("\n");
}

/** A number of bytes, in words. */
export function bytes(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "byte" : "bytes"}`;
}

/** A length of time, given in milliseconds. */
export function duration(ms: number): string {
  const units: [number, string][] = [[86_400_000, "d"], [3_600_000, "h"], [60_000, "min"], [1000, "s"]];
  for (const [length, unit] of units) if (ms >= length) return `${(ms / length).toFixed(ms < 10 * length ? 1 : 0)} ${unit}`;
  return `${Math.round(ms)} ms`;
}

/** Makes foreign text safe to print: one line, without control characters. */
export { visible as plain } from "./sender/visible.js";
