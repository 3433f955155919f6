// Sends requests that a browser may not send, if the client has the token.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { RelayAnswer, RelayQuestion, RelayRefusal } from "./sender/relay.js";
import { isOfOneHop, onward } from "./headers.js";
import { post } from "./post.js";

/** The limits in bytes: on the body to send, and on the message that contains it in base64. */
const MOST_BODY_BYTES = 1 << 20;
const MOST_QUESTION_BYTES = 2 << 20;

/** Responds with this value as JSON. */
export type Reply = (status: number, value: RelayAnswer | RelayRefusal, headers?: OutgoingHttpHeaders) => void;

/** Handles one message. It rejects if the client closes the connection. */
export async function relay(request: IncomingMessage, response: ServerResponse, reply: Reply, token: string): Promise<void> {
  if (request.method !== "POST") return reply(405, refusal("method_not_allowed", "the relay takes POST only"), { allow: "POST" });
  if (!isSame(request.headers.authorization ?? "", `Bearer ${token}`)) {
    return reply(401, refusal("unauthorized", "the token is missing or wrong: open the link that the terminal shows"));
  }
  const text = await readText(request);
  const asked = text === undefined ? undefined : parse(text);
  if (asked === undefined) {
    return reply(400, refusal("invalid_request", "url (http or https, without a user name), headers and body (base64, 1 MiB at most) are needed, as JSON"));
  }
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const { status, error, ms, headers, body } = await post(asked.url, { headers: asked.headers, body: asked.body, signal: gone.signal });
  reply(200, { status, error, ms, headers, body: Buffer.from(body).toString("base64") });
}

export function refusal(code: string, message: string): RelayRefusal {
  return { error: { code, message } };
}

async function readText(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request) {
    length += piece.length;
    if (length <= MOST_QUESTION_BYTES) pieces.push(piece);
  }
  return length <= MOST_QUESTION_BYTES ? Buffer.concat(pieces).toString() : undefined;
}

function parse(text: string): { url: URL; headers: OutgoingHttpHeaders; body: Buffer } | undefined {
  let asked: Partial<RelayQuestion>;
  try {
    asked = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { url, headers, body } = asked ?? {};
  if (typeof url !== "string" || !URL.canParse(url)) return undefined;
  const { protocol, username, password } = new URL(url);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return undefined;
  if (!Array.isArray(headers) || !headers.every(isHeader) || typeof body !== "string") return undefined;
  const bytes = Buffer.from(body, "base64");
  if (bytes.length > MOST_BODY_BYTES || bytes.toString("base64") !== body) return undefined;
  return { url: new URL(url), headers: onward(headers), body: bytes };
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
