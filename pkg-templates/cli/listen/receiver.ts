// Receives requests on this machine.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pause } from "../../sender/run.js";
import { reason } from "../failure.js";
import { pairs } from "../post.js";
import { say } from "../terminal.js";
import { type Arrival, refused, type Taken } from "./intake.js";

/** The limit on a body, in bytes: the package's default. */
const MOST_BYTES = 1 << 20;

/** How long a request may take to come, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array | string;
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
  answer: (taken: Taken) => Answer,
  delay: number,
  answered: (taken: Taken, status: number) => void,
  signal: AbortSignal,
): Promise<Receiver> {
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "/", rawHeaders } = request;
    const body = await read(request);
    if (body === undefined) return;
    const arrival = { at: new Date(), method, url, headers: pairs(rawHeaders), body };
    const isTooLong = body.length > MOST_BYTES;
    const taken = method !== "POST" ? refused(arrival, NOT_POSTED) : isTooLong ? refused(arrival, TOO_LONG) : await take(arrival);
    await pause(delay, signal);
    const what = answer(taken);
    response.writeHead(what.status, { "content-type": what.type, ...(isTooLong && { connection: "close" }) }).end(what.body);
    answered(taken, what.status);
  };
  const server = createServer((request, response) => {
    // What nobody foresaw ends one request, and not all that come after it.
    serve(request, response).catch((error) => {
      say(`a request could not be answered: ${reason(error)}`);
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const NOT_POSTED = { code: "method_not_allowed", message: "Walnut posts, and nothing else", status: 405 };
const TOO_LONG = { code: "body_too_large", message: `a body may have ${MOST_BYTES} bytes, but this is longer`, status: 413 };

/** Reads a body, or a piece too much of one that is too long; nothing where it breaks off. */
async function read(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    // The rest of what is too long is left where it is, and the connection ends with the answer.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      pieces.push(piece);
      length += piece.length;
      if (length > MOST_BYTES) break;
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(pieces);
}

/** An error, in the form that this package's adapters answer it. */
export function problem(status: number, code: string, message: string): Answer {
  return { status, type: "application/json", body: JSON.stringify({ error: { code, message } }) };
}
