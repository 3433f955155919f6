// HAR files, as browsers and proxies save them. Source: the HTTP Archive format, version 1.2.
import { chooseRequest } from "./choose.js";
import { header, lacksBody, type ParsedRequest } from "./request.js";

/** The used fields of a request in a HAR file. Their types are unknown, since a file may contain anything. */
interface HarRequest {
  readonly method?: unknown;
  readonly url?: unknown;
  readonly headers?: unknown;
  readonly bodySize?: unknown;
  /** `encoding` is not in the standard, but proxies write it for bytes that are not text. */
  readonly postData?: { readonly text?: unknown; readonly encoding?: unknown } | null;
}

/** Parses a HAR file; `undefined` if the bytes are not one. */
export function parseHar(bytes: Uint8Array): ParsedRequest | undefined {
  let har: { log?: { entries?: unknown } } | null;
  try {
    har = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const entries = har?.log?.entries;
  if (!Array.isArray(entries)) return undefined;
  const requests = entries.map((entry) => entry?.request).filter((request) => typeof request === "object" && request !== null);
  return chooseRequest(requests.map(parseEntry));
}

function parseEntry({ method, url, headers, bodySize, postData }: HarRequest): ParsedRequest {
  const pairs = (Array.isArray(headers) ? headers : []).map((pair) => [String(pair?.name), String(pair?.value)] as const);
  const head = { method: typeof method === "string" ? method : null, url: typeof url === "string" ? url : null, headers: pairs };
  const size = typeof bodySize === "number" && bodySize > 0 ? bodySize : Number(header(head, "content-length")) || 0;
  const text = postData?.text;
  if (typeof text !== "string") {
    const request = { ...head, body: new Uint8Array(), notes: [] };
    return size > 0 || postData || (bodySize !== 0 && lacksBody(head)) ? { ...request, bodyMissing: "The HAR file does not contain the body." } : request;
  }
  const body = postData?.encoding === "base64" ? fromBase64(text) : new TextEncoder().encode(text);
  if (body === undefined) {
    return { ...head, body: new Uint8Array(), notes: [], bodyMissing: "The body in the HAR file is not valid base64, as its encoding says." };
  }
  const isSame = size === 0 || size === body.length;
  return { ...head, body, notes: isSame ? [] : [`The HAR file says ${size} bytes, but the body has ${body.length}: something changed it.`] };
}

function fromBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
