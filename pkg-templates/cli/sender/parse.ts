// Requests as people copy them: raw HTTP or a `curl` command.
import { parseCurl } from "./curl.js";
import { parseRaw } from "./raw.js";
import type { HttpRequest } from "./request.js";

/**
 * Parses a request: raw HTTP, with or without its request line, or a `curl` command for a POSIX shell.
 *
 * @returns `undefined` if the bytes are not a request, such as a body alone.
 */
export function parseRequest(bytes: Uint8Array): HttpRequest | undefined {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart();
  if (/^\$?\s*curl\s/.test(start)) return parseCurl(new TextDecoder().decode(bytes));
  return parseRaw(bytes);
}
