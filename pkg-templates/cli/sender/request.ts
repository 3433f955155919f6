// Requests as people copy them: raw HTTP, as a proxy or a capture shows it, and `curl` commands.
import { curl } from "./curl.js";

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

/** One character a byte, which no TextDecoder gives: its "latin1" is windows-1252. */
const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

const REQUEST_LINE = /^([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?$/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

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
  const line = latin1(bytes.subarray(0, newline < 0 ? 8192 : newline)).replace(/\r$/, "");
  if (!REQUEST_LINE.test(line) && headerLine(line) === undefined) return undefined;
  const end = headEnd(bytes);
  const lines = latin1(bytes.subarray(0, end.head)).split("\n").map((line) => line.replace(/\r$/, ""));
  const first = REQUEST_LINE.exec(lines[0] ?? "");
  const headers: [string, string][] = [];
  for (const line of lines.slice(first === null ? 0 : 1)) {
    const pair = headerLine(line);
    if (pair === undefined) return undefined;
    headers.push(pair);
  }
  if (first === null && headers.length === 0) return undefined;
  const notes: string[] = [];
  const request = { method: first?.[1] ?? null, url: first?.[2] ?? null, headers, notes };
  const rest = bytes.subarray(end.body);
  return { ...request, body: framed(rest, request, notes) };
}

function headerLine(line: string): [name: string, value: string] | undefined {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  return NAME.test(name) ? [name, bare(line.slice(colon + 1))] : undefined;
}

/** Takes blanks and tabs off both ends. Not by a regular expression, which would take a square of the time. */
function bare(text: string): string {
  let [from, to] = [0, text.length];
  const isBlank = (at: number) => text[at] === " " || text[at] === "\t";
  while (from < to && isBlank(from)) from++;
  while (from < to && isBlank(to - 1)) to--;
  return text.slice(from, to);
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
  const isBlank = rest.subarray(length).every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
  if (length < rest.length && isBlank) {
    notes.push("A newline after the body, beyond its Content-Length, was left out.");
    return rest.subarray(0, length);
  }
  if (length !== rest.length) {
    notes.push(`Content-Length says ${length} bytes, but the body has ${rest.length}: something changed it.`);
  }
  return rest;
}

function unchunked(rest: Uint8Array): Uint8Array | undefined {
  // What is taken off makes room for it.
  const body = new Uint8Array(rest.length);
  let taken = 0;
  for (let at = 0; ; ) {
    const end = rest.indexOf(10, at);
    if (end < 0) return undefined;
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?\r?$/i.exec(latin1(rest.subarray(at, end)))?.[1];
    if (size === undefined) return undefined;
    const length = Number.parseInt(size, 16);
    if (length === 0) return body.subarray(0, taken);
    if (end + 1 + length > rest.length) return undefined;
    body.set(rest.subarray(end + 1, end + 1 + length), taken);
    taken += length;
    at = end + 1 + length;
    if (rest[at] === 13) at++;
    if (rest[at] !== 10) return undefined;
    at++;
  }
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
