// Sends requests that a browser may not send, if the client has the token.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RelayError, RelayRequest, RelayResponse } from "./sender/relay.js";
import { headersToForward, isOfOneHop } from "./headers.js";
import { post } from "./post.js";

/** The limits in bytes: on the body to send, and on the message that contains it in base64. */
const MOST_BODY_BYTES = 1 << 20;
const MOST_MESSAGE_BYTES = 2 << 20;

/** Responds with this value as JSON. */
export type Reply = (status: number, value: RelayResponse | RelayError, headers?: OutgoingHttpHeaders) => void;

/** Handles one message. It rejects if the client closes the connection. */
export async function relay(request: IncomingMessage, response: ServerResponse, reply: Reply, token: string): Promise<void> {
  if (request.method !== "POST") return reply(405, relayError("method_not_allowed", "the relay accepts only POST"), { allow: "POST" });
  if (!isSame(request.headers.authorization ?? "", `Bearer ${token}`)) {
    return reply(401, relayError("unauthorized", "the token is missing or wrong: open the link that the terminal shows"));
  }
  const text = await readText(request);
  const message = text === undefined ? undefined : parse(text);
  if (message === undefined) {
    return reply(400, relayError("invalid_request", "the message must be JSON with url (http or https, without a user name), headers and body (base64, at most 1 MiB)"));
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const { status, error, ms, headers, body } = await post(message.url, { headers: message.headers, body: message.body, signal: gone.signal });
  reply(200, { status, error, ms, headers, body: Buffer.from(body).toString("base64") });
}

export function relayError(code: string, message: string): RelayError {
  return { error: { code, message } };
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length <= MOST_MESSAGE_BYTES) chunks.push(chunk);
  }
  return length <= MOST_MESSAGE_BYTES ? Buffer.concat(chunks).toString() : undefined;
}

function parse(text: string): { url: URL; headers: OutgoingHttpHeaders; body: Buffer } | undefined {
  let message: Partial<RelayRequest>;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { url, headers, body } = message ?? {};
  if (typeof url !== "string" || !URL.canParse(url)) return undefined;
  const { protocol, username, password } = new URL(url);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return undefined;
  if (!Array.isArray(headers) || !headers.every(isHeader) || typeof body !== "string") return undefined;
  const bytes = Buffer.from(body, "base64");
  if (bytes.length > MOST_BODY_BYTES || bytes.toString("base64") !== body) return undefined;
  return { url: new URL(url), headers: headersToForward(headers), body: bytes };
}

/** The page may not set headers of the connection. Values that HTTP does not allow are rejected when they are sent. */
function isHeader(pair: unknown): boolean {
  if (!Array.isArray(pair) || pair.length !== 2) return false;
  const [name, value] = pair;
  return typeof name === "string" && typeof value === "string" && !isOfOneHop(name);
}

/** Compares digests, so that the time it takes does not reveal the token. */
function isSame(given: string, token: string): boolean {
  const [a, b] = [given, token].map((text) => createHash("sha256").update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
