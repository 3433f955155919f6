// Requests as Walnut makes them.
import * as http from "node:http";
import * as https from "node:https";
import { type Attempt, MOST_ANSWER_BYTES, WALNUT_TIMEOUT_MS } from "../sender/judge.js";
import { reason } from "./failure.js";

export interface PostOptions {
  readonly headers: http.OutgoingHttpHeaders;
  readonly body: Uint8Array;
  /** Breaks it off. */
  readonly signal?: AbortSignal;
  /** How long the whole may take, in milliseconds. The default is Walnut's 30 s. */
  readonly timeout?: number;
  readonly method?: string;
}

/** The headers of a delivery. */
export function deliveryHeaders(signature: string | undefined): http.OutgoingHttpHeaders {
  const headers: http.OutgoingHttpHeaders = { "content-type": "application/json", "user-agent": "walnut-webhooks" };
  return signature === undefined ? headers : { ...headers, "x-walnut-signature": signature };
}

/** Sends one request and waits for the whole answer. Redirects are not followed. It never rejects. */
export function post(url: URL, { headers, body, signal, timeout = WALNUT_TIMEOUT_MS, method = "POST" }: PostOptions): Promise<Attempt> {
  const began = performance.now();
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const done = (status: number | null, error: string | null, answer?: http.IncomingMessage) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      request.destroy();
      resolve({ status, error, ms: performance.now() - began, headers: pairs(answer?.rawHeaders ?? []), body: Buffer.concat(pieces) });
    };
    const stop = () => done(null, "it was interrupted");
    const timer = setTimeout(() => done(null, `there was no complete answer within ${timeout / 1000} s`), timeout);
    const { request: begin } = url.protocol === "https:" ? https : http;
    // One connection each, as with a sender that may come from anywhere.
    const request = begin(url, { method, agent: false, headers: { ...headers, "content-length": body.length } });
    let isAnswered = false;
    request.on("response", (answer) => {
      isAnswered = true;
      answer.on("data", (piece: Buffer) => {
        const room = MOST_ANSWER_BYTES - length;
        pieces.push(piece.subarray(0, room));
        length += piece.length;
        if (length > MOST_ANSWER_BYTES) done(answer.statusCode ?? null, null, answer);
      });
      answer.on("end", () => done(answer.statusCode ?? null, null, answer));
      answer.on("error", () => done(null, "the answer broke off"));
      answer.on("close", () => done(null, "the answer broke off"));
    });
    // A server may answer before it has read all, and close: what it said counts.
    request.on("error", (error) => isAnswered || done(null, reason(error)));
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    else request.end(body);
  });
}

/** Node's list of names and values in turn, as pairs. */
export function pairs(raw: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) found.push([raw[at] as string, raw[at + 1] as string]);
  return found;
}
