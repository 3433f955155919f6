// The output of `curl -v`: `> ` marks the lines of a request's head. It does not contain the body.
import { chooseRequest } from "./choose.js";
import { parseRaw } from "./raw.js";
import { header, lacksBody, type ParsedRequest } from "./request.js";

/** curl's progress meter, which has no line break at its end. */
const PROGRESS = /^\r?\s*\d[\d.:kMGT\s-]*(?=> )/;
const REQUEST_LINE = /^> [A-Z]+ \S+ HTTP\/[\d.]+$/;

/** Parses the output of `curl -v`; `undefined` if it has no request in it. */
export function parseTrace(bytes: Uint8Array): ParsedRequest | undefined {
  const heads: string[][] = [];
  let isInHead = false;
  for (const printed of new TextDecoder().decode(bytes).split(/\r?\n/)) {
    const line = printed.replace(PROGRESS, "");
    if (REQUEST_LINE.test(line)) heads.push([]);
    if (line.startsWith(">")) isInHead = REQUEST_LINE.test(line) || (isInHead && line.trim() !== ">");
    if (isInHead && line.startsWith("> ")) heads.at(-1)?.push(line.slice(2));
  }
  return chooseRequest(heads.flatMap((head) => parseHead(head) ?? []));
}

function parseHead(lines: readonly string[]): ParsedRequest | undefined {
  const request = parseRaw(new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  if (request === undefined) return undefined;
  const hadBody = lacksBody(request) || header(request, "transfer-encoding") !== undefined;
  return hadBody ? { ...request, bodyMissing: "The output of curl -v does not contain the body." } : request;
}
