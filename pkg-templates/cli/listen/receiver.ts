// Receives requests on this machine.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pause } from "../sender/run.js";
import { reason } from "../failure.js";
import { listen } from "../loopback.js";
import { pairs } from "../post.js";
import { say } from "../terminal.js";
import { type Arrival, type Rejection, rejected, type Processed } from "./intake.js";

/** The limit on a body, in bytes: the SDK's own default. */
const MAX_BODY_BYTES = 1 << 20;

/** How long a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: Uint8Array | string;
}

/** Creates a JSON response: 200, or the status, code and message of a rejection, as the SDK's adapters do. */
export function answer(rejection: Rejection | undefined): Answer {
  const type = "application/json";
  if (rejection === undefined) return { status: 200, type, text: JSON.stringify({ ok: true }) };
  const { status, code, message } = rejection;
  return { status, type, text: JSON.stringify({ error: { code, message } }) };
}

export interface Receiver {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Listens on 127.0.0.1; port 0 is any free port.
 *
 * @param handle - Called with each complete request.
 * @param answered - Called after each response.
 */
export async function startReceiver(
  port: number,
  handle: (arrival: Arrival) => Promise<Processed>,
  answerTo: (processed: Processed) => Answer,
  delay: number,
  answered: (processed: Processed, status: number) => void,
  signal: AbortSignal,
): Promise<Receiver> {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "/", rawHeaders } = request;
    const body = await read(request);
    if (body === undefined) return;
    const arrival = { at: new Date(), method, url, headers: pairs(rawHeaders), body };
    const isTooLong = body.length > MAX_BODY_BYTES;
    const processed = method !== "POST" ? rejected(arrival, NOT_POSTED) : isTooLong ? rejected(arrival, TOO_LONG) : await handle(arrival);
    await pause(delay, signal);
    const { status, type, text } = answerTo(processed);
    response.writeHead(status, { "content-type": type, ...(isTooLong && { connection: "close" }) }).end(text);
    answered(processed, status);
  };
  const server = createServer((request, response) => {
    // An unexpected error ends this request only.
    serve(request, response).catch((error) => {
      say(`no response could be sent: ${reason(error)}`);
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  const { origin, stop } = await listen(server, port);
  return { url: `${origin}/webhook`, stop };
}

const NOT_POSTED = { code: "method_not_allowed", message: "Walnut sends POST requests only", status: 405 };
const TOO_LONG = { code: "body_too_large", message: `the body is over the limit of ${MAX_BODY_BYTES} bytes`, status: 413 };

/** Reads a body, up to just over the limit; `undefined` if the connection is closed first. */
async function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // The rest of a body over the limit is not read; the connection is closed after the response.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_BODY_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

