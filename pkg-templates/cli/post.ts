// Sends requests as Walnut does.
import * as http from "node:http";
import * as https from "node:https";
import { setImmediate, setTimeout as wait } from "node:timers/promises";
import { type Attempt, MOST_ANSWER_BYTES, unanswered, WALNUT_TIMEOUT_MS } from "./sender/judge.js";
import { reason } from "./failure.js";

export interface PostOptions {
  readonly headers: http.OutgoingHttpHeaders;
  readonly body: Uint8Array;
  /** Cancels the request. */
  readonly signal?: AbortSignal;
  /** The limit on the whole request, in milliseconds. The default is Walnut's 30 s. */
  readonly timeout?: number;
  /** The value of `Content-Length`, if it is more than the length of the body: then the rest is never sent. */
  readonly length?: number;
}

/** The result of sending a request. */
export interface Posted extends Attempt {
  /** Whether the time limit ended it. */
  readonly isLate: boolean;
  /** Whether it failed because no connection could be made. */
  readonly isUnreachable: boolean;
}

/** An attempt that failed before anything was sent. */
export function notSent(error: string): Posted {
  return { ...unanswered(error), isLate: false, isUnreachable: false };
}

/** Sends one request and waits for the complete response. It does not follow redirects, and never rejects. */
export function post(
  url: URL,
  { headers, body, signal, timeout = WALNUT_TIMEOUT_MS, length: declared = body.length }: PostOptions,
): Promise<Posted> {
  const began = performance.now();
  const { request: begin } = url.protocol === "https:" ? https : http;
  let request: http.ClientRequest;
  try {
    // A new connection for each request, since Walnut may send from many addresses.
    request = begin(url, { method: "POST", agent: false, headers: { ...headers, "content-length": declared } });
  } catch (error) {
    // Node rejects a request that HTTP does not allow, such as one with a control character in a header.
    return Promise.resolve(notSent(reason(error)));
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let isLate = false;
    let isConnected = false;
    const done = (status: number | null, error: string | null, answer?: http.IncomingMessage) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      request.destroy();
      const ms = performance.now() - began;
      resolve({ status, error, ms, headers: pairs(answer?.rawHeaders ?? []), body: Buffer.concat(chunks), isLate, isUnreachable: !isConnected });
    };
    const stop = () => done(null, "it was interrupted");
    const timer = setTimeout(() => {
      isLate = true;
      done(null, `no complete response arrived within ${timeout / 1000} s`);
    }, timeout);
    request.once("socket", (socket) => {
      socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
        isConnected = true;
      });
    });
    let isAnswered = false;
    request.on("response", (answer) => {
      isAnswered = true;
      answer.on("data", (chunk: Buffer) => {
        const room = MOST_ANSWER_BYTES - length;
        chunks.push(chunk.subarray(0, room));
        length += chunk.length;
        if (length > MOST_ANSWER_BYTES) done(answer.statusCode ?? null, null, answer);
      });
      answer.on("end", () => done(answer.statusCode ?? null, null, answer));
      answer.on("error", () => done(null, "the connection was closed in the middle of the response"));
      answer.on("close", () => done(null, "the connection was closed in the middle of the response"));
    });
    // The server wants to switch to another protocol, which is not supported.
    request.on("upgrade", (answer, socket) => {
      socket.destroy();
      done(answer.statusCode ?? null, null, answer);
    });
    // A server may respond before it has read the whole body, and close the connection: the response counts.
    request.on("error", (error) => isAnswered || done(null, reason(error)));
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    else void write(request, body);
  });
}

/** How much of a body is written at once, in bytes: it fits into the socket's buffer. */
const CHUNK_BYTES = 1 << 14;

/**
 * Writes a body in chunks, and reads between them. A server may reject a long body and close the connection, and after a
 * failed write, Node does not read the response. The first byte is sent with the head, since many servers decide by the head.
 */
async function write(request: http.ClientRequest, body: Uint8Array): Promise<void> {
  let at = 0;
  while (body.length - at > CHUNK_BYTES) {
    const chunk = body.subarray(at, at === 0 ? 1 : at + CHUNK_BYTES);
    at += chunk.length;
    await new Promise((resolve) => request.write(chunk, resolve));
    await wait(1);
    // Reads the received data before the next chunk is written.
    await setImmediate();
    if (request.destroyed) return;
  }
  request.end(body.subarray(at));
}

/** Converts Node's flat list of names and values to pairs. */
export function pairs(raw: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) found.push([raw[at] as string, raw[at + 1] as string]);
  return found;
}
