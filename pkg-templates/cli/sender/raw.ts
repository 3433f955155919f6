// Raw HTTP/1.1 requests, as a proxy or a capture shows them.
import { type HttpRequest, header, lacksBody, type ParsedRequest } from "./request.js";

/** Decodes each byte to one character. `TextDecoder` cannot: its "latin1" is windows-1252. */
const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

const REQUEST_LINE = /^([A-Z]+) (\S+)(?: HTTP\/[\d.]+)?$/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/** Parses raw HTTP/1.1, with or without its request line; `undefined` if the bytes are not a request. */
export function parseRaw(bytes: Uint8Array): ParsedRequest | undefined {
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
  if (rest.length === 0 && lacksBody(request)) {
    return { ...request, body: rest, bodyMissing: "The request ends after its headers: its body is missing." };
  }
  return { ...request, body: extractBody(rest, request, notes) };
}

function headerLine(line: string): [name: string, value: string] | undefined {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  return NAME.test(name) ? [name, trimBlanks(line.slice(colon + 1))] : undefined;
}

/** Trims blanks and tabs. A regular expression would take quadratic time. */
function trimBlanks(text: string): string {
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

/** Extracts the body as `Transfer-Encoding` or `Content-Length` frames it. */
function extractBody(rest: Uint8Array, request: Pick<HttpRequest, "headers">, notes: string[]): Uint8Array {
  if (/\bchunked\b/i.test(header(request, "transfer-encoding") ?? "")) {
    const body = unchunked(rest);
    if (body !== undefined) return body;
    notes.push("Transfer-Encoding says chunked, but the body is not chunked: it is used as it is.");
    return rest;
  }
  const declared = header(request, "content-length");
  if (declared === undefined || !/^\d+$/.test(declared)) return rest;
  const length = Number(declared);
  const isBlank = rest.subarray(length).every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
  if (length < rest.length && isBlank) {
    notes.push("A newline after the body, beyond its Content-Length, was removed.");
    return rest.subarray(0, length);
  }
  if (length !== rest.length) {
    notes.push(`Content-Length says ${length} bytes, but the body has ${rest.length}: something changed it.`);
  }
  return rest;
}

function unchunked(rest: Uint8Array): Uint8Array | undefined {
  // Decoding only removes bytes.
  const body = new Uint8Array(rest.length);
  let written = 0;
  for (let at = 0; ; ) {
    const end = rest.indexOf(10, at);
    if (end < 0) return undefined;
    const size = /^([0-9a-f]{1,8})[ \t]*(;.*)?\r?$/i.exec(latin1(rest.subarray(at, end)))?.[1];
    if (size === undefined) return undefined;
    const length = Number.parseInt(size, 16);
    if (length === 0) return body.subarray(0, written);
    if (end + 1 + length > rest.length) return undefined;
    body.set(rest.subarray(end + 1, end + 1 + length), written);
    written += length;
    at = end + 1 + length;
    if (rest[at] === 13) at++;
    if (rest[at] !== 10) return undefined;
    at++;
  }
}
