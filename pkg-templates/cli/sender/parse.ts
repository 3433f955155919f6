// Requests in the forms that users copy: raw HTTP, a `curl` command, the output of `curl -v`, or a HAR file.
import { parseCurl } from "./curl.js";
import { parseHar } from "./har.js";
import { parseRaw } from "./raw.js";
import type { ParsedRequest } from "./request.js";
import { parseTrace } from "./trace.js";

/**
 * Parses a request: raw HTTP, with or without its request line; a `curl` command for a POSIX shell; the output of
 * `curl -v`; or a HAR file with one request, or with one request that has a signature.
 *
 * @returns `undefined` if the bytes are not a request, such as a body alone.
 */
export function parseRequest(bytes: Uint8Array): ParsedRequest | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart();
  if (/^\$?\s*curl\s/.test(start)) return parseCurl(new TextDecoder().decode(bytes));
  if (start.startsWith("{")) return parseHar(bytes);
  return parseRaw(bytes) ?? parseTrace(bytes);
}
