// Requests as people copy them: raw HTTP, as a proxy or a capture shows it, and `curl` commands.
import { words } from "./shell.js";

/** A request, taken apart. */
export interface HttpRequest {
  /** `null` where it does not say, as with headers alone. */
  readonly method: string | null;
  /** As it stands there: a path, or all of a URL; `null` where it does not say. */
  readonly url: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** What was taken for granted, or could not be had, in sentences; often nothing. */
  readonly notes: readonly string[];
}

const encoder = new TextEncoder();
/** One character a byte. */
const latin1 = { decode: (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("") };

const REQUEST_LINE = /^([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?$/;
const HEADER_LINE = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/;

/**
 * Takes a request apart: raw HTTP, with or without its first line, or a `curl` command for a POSIX shell.
 *
 * @returns `undefined` where the bytes are no request, such as a body alone.
 */
export function parseRequest(bytes: Uint8Array): HttpRequest | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart();
  if (/^\$?\s*curl\s/.test(start)) return curl(new TextDecoder().decode(bytes));
  return raw(bytes);
}

/** Gets the value of a header; several of them are joined by a comma, as HTTP has it. */
export function header(request: Pick<HttpRequest, "headers">, name: string): string | undefined {
  const values = request.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

function raw(bytes: Uint8Array): HttpRequest | undefined {
  const newline = bytes.indexOf(10);
  const line = latin1.decode(bytes.subarray(0, newline < 0 ? 8192 : newline)).replace(/\r$/, "");
  if (!REQUEST_LINE.test(line) && !HEADER_LINE.test(line)) return undefined;
  const end = headEnd(bytes);
  const lines = latin1.decode(bytes.subarray(0, end.head)).split("\n").map((line) => line.replace(/\r$/, ""));
  const first = REQUEST_LINE.exec(lines[0] ?? "");
  const headers: [string, string][] = [];
  for (const line of lines.slice(first === null ? 0 : 1)) {
    const [, name, value] = HEADER_LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.push([name, value]);
  }
  if (first === null && headers.length === 0) return undefined;
  const notes: string[] = [];
  const request = { method: first?.[1] ?? null, url: first?.[2] ?? null, headers, notes };
  const rest = bytes.subarray(end.body);
  return { ...request, body: framed(rest, request, notes) };
}

/** Finds where the head ends and the body begins: at the first empty line. */
function headEnd(bytes: Uint8Array): { head: number; body: number } {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return { head: at, body: at + 2 };
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return { head: at, body: at + 3 };
  }
  const isEnded = bytes.at(-1) === 10;
  return { head: isEnded ? bytes.length - 1 : bytes.length, body: bytes.length };
}

/** Takes off what is around the body, as the headers say. */
function framed(rest: Uint8Array, request: Pick<HttpRequest, "headers">, notes: string[]): Uint8Array {
  if (/\bchunked\b/i.test(header(request, "transfer-encoding") ?? "")) {
    const body = unchunked(rest);
    if (body !== undefined) return body;
    notes.push("Transfer-Encoding says chunked, but the body is not: it is taken as it stands.");
    return rest;
  }
  const declared = header(request, "content-length");
  if (declared === undefined || !/^\d+$/.test(declared)) return rest;
  const length = Number(declared);
  const beyond = latin1.decode(rest.subarray(length));
  if (length < rest.length && beyond.trim() === "") {
    notes.push("A newline after the body, beyond its Content-Length, was left out.");
    return rest.subarray(0, length);
  }
  if (length !== rest.length) {
    notes.push(`Content-Length says ${length} bytes, but the body has ${rest.length}: something changed it.`);
  }
  return rest;
}

function unchunked(rest: Uint8Array): Uint8Array | undefined {
  const body: number[] = [];
  for (let at = 0; ; ) {
    const end = rest.indexOf(10, at);
    if (end < 0) return undefined;
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?\r?$/i.exec(latin1.decode(rest.subarray(at, end)))?.[1];
    if (size === undefined) return undefined;
    const length = Number.parseInt(size, 16);
    if (length === 0) return Uint8Array.from(body);
    if (end + 1 + length > rest.length) return undefined;
    for (const byte of rest.subarray(end + 1, end + 1 + length)) body.push(byte);
    at = end + 1 + length;
    if (rest[at] === 13) at++;
    if (rest[at] !== 10) return undefined;
    at++;
  }
}

/** The options of curl that have a value, and are of no interest here. */
const SKIPPED = new Set(
  "-A --user-agent -b --cookie -c --cookie-jar -e --referer -m --max-time --connect-timeout -o --output -u --user -x --proxy -w --write-out --resolve --retry --cacert -E --cert --key --ciphers".split(" "),
);
const DATA = new Set(["-d", "--data", "--data-ascii", "--data-raw", "--data-binary", "--json"]);

function curl(text: string): HttpRequest {
  const notes: string[] = [];
  const [, ...args] = words(text.trimStart().replace(/^\$\s*/, ""), notes);
  const headers: [string, string][] = [];
  const data: string[] = [];
  let method: string | null = null;
  let url: string | null = null;
  for (let at = 0; at < args.length; at++) {
    const { option, value, next } = argument(args, at);
    at = next;
    if (option === null) url ??= value;
    else if (option === "--url") url = value;
    else if (option === "-X" || option === "--request") method = value;
    else if (option === "-H" || option === "--header") headers.push(headerOf(value));
    else if (DATA.has(option)) data.push(dataOf(option, value, notes));
    else if (option === "--data-urlencode" || option === "-F" || option === "--form" || option === "-T" || option === "--upload-file") {
      notes.push(`curl's ${option} is not read here: put the body that it sends in instead.`);
    }
  }
  return { method: method ?? (data.length > 0 ? "POST" : null), url, headers, body: encoder.encode(data.join("&")), notes };
}

/** Reads one argument, with its value where it has one: `-H v`, `-Hv`, `--header v`, `--header=v`. */
function argument(args: readonly string[], at: number): { option: string | null; value: string; next: number } {
  const word = args[at] as string;
  if (!word.startsWith("-") || word === "-") return { option: null, value: word, next: at };
  const [, name, attached] = /^(--[^=]+|-[^-])=?([^]*)$/.exec(word) ?? [word, word, ""];
  const option = name as string;
  const hasValue = SKIPPED.has(option) || DATA.has(option) || /^(-X|--request|-H|--header|--url|--data-urlencode|-F|--form|-T|--upload-file)$/.test(option);
  if (!hasValue) return { option, value: "", next: at };
  return attached ? { option, value: attached, next: at } : { option, value: args[at + 1] ?? "", next: at + 1 };
}

function headerOf(value: string): [string, string] {
  const colon = value.indexOf(":");
  return colon < 0 ? [value.replace(/;$/, ""), ""] : [value.slice(0, colon).trim(), value.slice(colon + 1).trim()];
}

function dataOf(option: string, value: string, notes: string[]): string {
  if (option === "--data-raw" || !value.startsWith("@")) return value;
  notes.push(`The body is in the file ${value.slice(1)}, which is not part of the command: open that file.`);
  return "";
}

/** Writes a request as raw HTTP, for {@link parseRequest} to read: the body's bytes follow as they are. */
export function rawRequest({ method, url, headers, body }: Omit<HttpRequest, "notes">): Uint8Array {
  const lines = [`${method ?? "POST"} ${url ?? "/"} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const head = Uint8Array.from([...lines, "", ""].join("\r\n"), (character) => character.charCodeAt(0));
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
