// Receives requests on this machine.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { pause } from "../sender/run.js";
import { reason } from "../failure.js";
import { listen } from "../loopback.js";
import { pairs } from "../post.js";
import { say } from "../terminal.js";
import { type Arrival, type Refusal, refused, type Taken } from "./intake.js";

/** The limit on a body, in bytes: the SDK's own default. */
const MAX_BODY_BYTES = 1 << 20;

/** How long a request may take to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: Uint8Array | string;
}

/** Makes a JSON answer: 200, or the status, code and message of a refusal, as the SDK's adapters answer. */
export function answer(refusal: Refusal | undefined): Answer {
  const type = "application/json";
  if (refusal === undefined) return { status: 200, type, text: JSON.stringify({ ok: true }) };
  const { status, code, message } = refusal;
  return { status, type, text: JSON.stringify({ error: { code, message } }) };
}

export interface Receiver {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Listens on 127.0.0.1; port 0 is any.
 *
 * @param take - Is handed each whole request; `answered` is told of each answer.
 */
export async function startReceiver(
  port: number,
  take: (arrival: Arrival) => Promise<Taken>,
  answerTo: (taken: Taken) => Answer,
  delay: number,
  answered: (taken: Taken, status: number) => void,
  signal: AbortSignal,
): Promise<Receiver> {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "/", rawHeaders } = request;
    const body = await read(request);
    if (body === undefined) return;
    const arrival = { at: new Date(), method, url, headers: pairs(rawHeaders), body };
    const isTooLong = body.length > MAX_BODY_BYTES;
    const taken = method !== "POST" ? refused(arrival, NOT_POSTED) : isTooLong ? refused(arrival, TOO_LONG) : await take(arrival);
    await pause(delay, signal);
    const what = answerTo(taken);
    response.writeHead(what.status, { "content-type": what.type, ...(isTooLong && { connection: "close" }) }).end(what.text);
    answered(taken, what.status);
  };
  const server = createServer((request, response) => {
    // What nobody foresaw ends one request, and not all that come after it.
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

/** Reads a body, or a piece too much of one that is too long; nothing where it breaks off. */
async function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    // The rest of what is too long is left where it is, and the connection ends with the answer.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      pieces.push(piece);
      length += piece.length;
      if (length > MAX_BODY_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces);
}

