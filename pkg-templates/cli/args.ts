import { parseArgs } from "node:util";
import { usage } from "./failure.js";
import { isStandardInput, sharedInput } from "./files.js";
import { didYouMean } from "./nearest.js";
import { plain } from "./terminal.js";

/** An option of a command. */
export interface Option {
  /** The name of its value in the help; absent if it has no value. */
  readonly value?: string;
  /** Its value if the option is given without a number. */
  readonly implied?: string;
  /** Whether it may be given several times. */
  readonly multiple?: true;
  /** Whether its value is a file; `-` is standard input. */
  readonly isFile?: true;
  readonly help: string;
}

export type Options = Readonly<Record<string, Option>>;

/** The parsed arguments of a command. */
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
  whole(name: string, fallback: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw usage(`--${name} must be a whole number from ${least} to ${most}, but is "${plain(text)}"`);
  }

  /** A number above 0, up to `most`; `Infinity` if it is not given. */
  rate(name: string, most: number): number {
    const text = this.text(name);
    if (text === undefined) return Infinity;
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
    if (value > 0 && value <= most) return value;
    throw usage(`--${name} must be a number above 0, up to ${most}, but is "${plain(text)}"`);
  }

  /** A duration such as `500ms`, `30s`, `5m`, `72h` or `7d`, in milliseconds. */
  duration(name: string, fallback: number, most: number, least = 0): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    if (/^\d+$/.test(text)) throw usage(`--${name} must have a unit: write ${text}s for seconds, or ${text}ms for milliseconds`);
    const ms = milliseconds(text);
    if (ms !== undefined && ms >= least && ms <= most) return ms;
    const range = least === 0 ? `up to ${spelled(most)}` : `from ${spelled(least)} to ${spelled(most)}`;
    throw usage(`--${name} must be a duration such as 500ms, 30s, 5m, 72h or 7d, ${range}, but is "${plain(text)}"`);
  }

  /** A point in time, in milliseconds since the Unix epoch: RFC 3339, or a duration before now. */
  time(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const at = pointInTime(text);
    if (at >= YEARS.first && at < YEARS.end) return at;
    throw usage(`--${name} must be a time such as 2026-01-31T12:00:00Z, or how long ago, such as 30m, 2h or 7d, but is "${plain(text)}"`);
  }
}

function pointInTime(text: string): number {
  const [, date] = RFC_3339.exec(text) ?? [];
  // Date.parse reads 31 February as 3 March.
  if (date !== undefined) return new Date(Date.parse(date)).getUTCDate() === Number(date.slice(-2)) ? Date.parse(text) : Number.NaN;
  const ago = milliseconds(text);
  return ago === undefined ? Number.NaN : Date.now() - ago;
}

const RFC_3339 = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

/** RFC 3339 has years of four digits. */
const YEARS = { first: Date.parse("0000-01-01T00:00:00Z"), end: Date.UTC(10_000, 0) };

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(text: string): number | undefined {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return unit === undefined ? undefined : Math.round(Number(number) * (UNITS[unit] as number));
}

/** Writes a duration with the largest unit of which it is a whole number. */
function spelled(ms: number): string {
  const [unit, length] = Object.entries(UNITS).findLast(([, length]) => ms % length === 0) as [string, number];
  return `${ms / length}${unit}`;
}

/** Reads a URL to send to. The messages do not repeat it, since it may contain a password. */
export function url(text: string | undefined, name = "URL"): URL {
  if (text === undefined) throw usage(`${name} is missing: give the address of the endpoint, such as http://127.0.0.1:3000/webhook`);
  if (!/^https?:\/\//i.test(text)) throw usage(`${name} must begin with http:// or https://`);
  const port = /^[^/]*\/\/[^/?#]*:(\d+)(?:[/?#]|$)/.exec(text)?.[1];
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)) throw usage(`the port in ${name} must be from 1 to 65535, but is ${port}`);
  if (!URL.canParse(text)) throw usage(`${name} must be a URL such as http://127.0.0.1:3000/webhook`);
  const parsed = new URL(text);
  if (parsed.username !== "" || parsed.password !== "") throw usage(`${name} must not have a user name or a password in it`);
  return parsed;
}

/**
 * Parses a command's arguments; a mistake in them is a usage error.
 *
 * @param commandsWith - Returns the names of the commands that have an option, for the message about an option of another command.
 */
export function parse(args: string[], options: Options, positionals: number, commandsWith: (option: string) => readonly string[]): Args {
  const config = Object.entries(options).map(([name, { value, multiple }]) => {
    const type: "string" | "boolean" = value === undefined ? "boolean" : "string";
    return [name, { type, multiple: multiple === true }] as const;
  });
  // Node's parser has no options whose value may be left out.
  const given = args.map((arg, index) => {
    const implied = arg.startsWith("--") ? options[arg.slice(2)]?.implied : undefined;
    return implied === undefined || /^\d+$/.test(args[index + 1] ?? "") ? arg : `${arg}=${implied}`;
  });
  // Not strict, since the strict parser's messages are for programmers. The checks follow.
  const parsed = parseArgs({ args: given, options: Object.fromEntries(config), allowPositionals: true, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of parsed.tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    const option = Object.hasOwn(options, name) && rawName.startsWith("--") ? options[name] : undefined;
    if (option === undefined) {
      const others = rawName.startsWith("--") ? commandsWith(name) : [];
      const hint = others.length > 0 ? ` It is an option of ${others.join(", ").replace(/, (\S+)$/, " and $1")}.` : didYouMean(name, Object.keys(options), "--");
      throw usage(`there is no option "${plain(rawName)}".${hint}`);
    }
    if (option.value === undefined && value !== undefined) throw usage(`--${name} takes no value`);
    if (option.value !== undefined && (value === undefined || (!inlineValue && isOption(value)))) {
      throw usage(`--${name} needs a value: --${name} ${option.value}. If the value begins with "-", write --${name}=${option.value}`);
    }
    if (seen.has(name) && option.multiple === undefined) throw usage(`--${name} can be given only once`);
    seen.add(name);
  }
  const extra = parsed.positionals[positionals];
  if (extra !== undefined) throw usage(`"${plain(extra)}" is one argument too many`);
  checkInputs(parsed.positionals, parsed.values, options);
  return new Args(parsed.positionals, parsed.values);
}

/** Whether an argument is an option and not a value: `-` and a negative number are values. */
function isOption(text: string): boolean {
  return text.startsWith("-") && !/^-(?:[\d.]|$)/.test(text);
}

/** Standard input and a pipe can be read once: a second reader would get an empty file. */
function checkInputs(positionals: readonly string[], values: Record<string, unknown>, options: Options): void {
  const files = Object.entries(values).filter(([name]) => options[name]?.isFile);
  const inputs = [
    ...files.flatMap(([name, value]) => [value].flat().map((file) => ({ name: `--${name}`, file: String(file) }))),
    ...positionals.map((file) => ({ name: "FILE", file })),
  ];
  const shared = sharedInput(inputs);
  if (shared === undefined) return;
  const [{ name, file }, second] = shared;
  const source = isStandardInput(file) || isStandardInput(second.file) ? "standard input" : plain(file);
  throw usage(`${source} can be read only once, but both ${name} and ${second.name} read it: put one of them in a file`);
}
