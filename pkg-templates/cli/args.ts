import { parseArgs } from "node:util";
import { usage } from "./failure.js";

/** An option of a command. */
export interface Option {
  /** What its value is called in the help; absent where it has none. */
  readonly value?: string;
  /** What it is worth where it is given without a number. */
  readonly implied?: string;
  /** Whether it may be given several times. */
  readonly multiple?: true;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What a command was called with, read. */
export class Args {
  readonly #values: Record<string, unknown>;

  constructor(
    readonly positionals: readonly string[],
    values: Record<string, unknown>,
  ) {
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  texts(name: string): readonly string[] {
    return (this.#values[name] as string[] | undefined) ?? [];
  }

  /** A whole number in a range. */
  whole(name: string, otherwise: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw usage(`--${name} must be a whole number from ${least} to ${most}, but is "${text}"`);
  }

  /** A number above 0, up to `most`; `Infinity` where it is not given. */
  rate(name: string, most: number): number {
    const text = this.text(name);
    if (text === undefined) return Infinity;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
    if (value > 0 && value <= most) return value;
    throw usage(`--${name} must be a number above 0, up to ${most}, but is "${text}"`);
  }

  /** A time such as `500ms`, `2s`, `5m`, `1h` or `3d`, or a number of milliseconds; up to `most` of them. */
  duration(name: string, otherwise: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return otherwise;
    const ms = milliseconds(text);
    if (ms !== undefined && ms <= most) return ms;
    throw usage(`--${name} must be a time such as 500ms, 2s, 5m or 1h, up to ${most / 1000}s, but is "${text}"`);
  }

  /** A point in time, in milliseconds since the Unix epoch: RFC 3339, or so long ago, or that number itself. */
  time(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const at = pointInTime(text);
    if (at >= YEARS.first && at < YEARS.end) return at;
    throw usage(`--${name} must be a time such as 2026-01-31T12:00:00Z, or so long ago, such as 2h, but is "${text}"`);
  }
}

function pointInTime(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const [, date] = RFC_3339.exec(text) ?? [];
  // The 31st of February is the 3rd of March to the parser.
  if (date !== undefined) return new Date(Date.parse(date)).getUTCDate() === Number(date.slice(-2)) ? Date.parse(text) : Number.NaN;
  const ago = milliseconds(text);
  return ago === undefined ? Number.NaN : Date.now() - ago;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 has years of four digits. */
const YEARS = { first: Date.parse("0000-01-01T00:00:00Z"), end: Date.UTC(10_000, 0) };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Math.round(Number(number) * (UNITS[unit || "ms"] as number));
}

/** Reads a URL to send to. */
export function url(text: string | undefined, name = "URL"): URL {
  if (text === undefined) throw usage(`${name} is missing: where to send to, such as http://127.0.0.1:3000/webhook`);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  // Not shown again: it may have a password in it.
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) throw usage(`${name} must begin with http:// or https://`);
  if (parsed.username !== "" || parsed.password !== "") throw usage(`${name} must not have a user name or a password in it`);
  return parsed;
}

/** Reads a command's arguments; what is wrong with them is a usage error. */
export function parse(args: string[], options: Options, positionals: number): Args {
  const config = Object.entries(options).map(([name, { value, multiple }]) => {
    const type: "string" | "boolean" = value === undefined ? "boolean" : "string";
    return [name, { type, multiple: multiple === true }] as const;
  });
  // Node's own parser knows no values that may be left out.
  const given = args.map((arg, index) => {
    const implied = arg.startsWith("--") ? options[arg.slice(2)]?.implied : undefined;
    return implied === undefined || /^\d+$/.test(args[index + 1] ?? "") ? arg : `${arg}=${implied}`;
  });
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: given, options: Object.fromEntries(config), allowPositionals: true, strict: true });
  } catch (error) {
    // Node's own words, of which the first sentence says what is wrong.
    throw usage((error as Error).message.split(/\.\s/)[0] as string);
  }
  if (parsed.positionals.length > positionals) {
    throw usage(`"${parsed.positionals[positionals]}" is one argument too many`);
  }
  return new Args(parsed.positionals, parsed.values);
}
