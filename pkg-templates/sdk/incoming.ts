// Node's requests, which the adapters for Express, Fastify and plain Node share.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { answer } from "./flow.js";
import { isRaw, notRaw, type RawBody } from "./input.js";
import type { Source, Unread } from "./receive.js";
import type { Outcome } from "./reject.js";

/** A request of Node, with the properties that body parsers set. */
export type Incoming = IncomingMessage & { body?: unknown; rawBody?: unknown };

/**
 * Makes the source of a request.
 *
 * @param fix - Says how to keep the raw body in this framework.
 * @param payload - The stream of the body, if it is not the request itself.
 */
export function incoming(request: Incoming, fix: string, payload: Readable = request): Source {
  return {
    headers: request.headers,
    keep: ({ buffer, byteOffset, byteLength }) => {
      // Reflect, since an assignment throws if the property is read-only.
      if (request.rawBody === undefined) Reflect.set(request, "rawBody", Buffer.from(buffer, byteOffset, byteLength));
    },
    body: () => {
      const kept = [request.rawBody, request.body].filter(isRaw).filter((body) => size(body) > 0);
      // Bytes before text, because decoding may have changed the text.
      const raw = kept.find((body) => typeof body !== "string") ?? kept[0];
      if (raw !== undefined) return raw;
      if (payload.readableDidRead) throw notRaw(describeConsumer(request.body), fix);
      // A parser has read an empty body.
      if (payload.readableEnded) return new Uint8Array();
      return unread(request, payload);
    },
  };
}

function describeConsumer(parsed: unknown): string {
  return parsed === undefined
    ? "something has read the request before walnut-webhooks could"
    : "a body parser has read the request before walnut-webhooks could, and kept only the parsed value";
}

function size(body: RawBody): number {
  return typeof body === "string" ? body.length : body.byteLength;
}

/** Whether the client has closed the connection before its request was complete. */
export function hasHungUp(request: IncomingMessage): boolean {
  // In HTTP/2, a request that was aborted counts as complete, and not as destroyed.
  return request.aborted || (request.destroyed && !request.complete);
}

function unread(request: Incoming, payload: Readable): Unread {
  return {
    declared: request.headers["content-length"],
    read: (add, signal) =>
      new Promise((resolve, reject) => {
        const stop = () => payload.off("data", data).pause();
        const fail = (error: unknown) => {
          stop();
          reject(error);
        };
        const data = (chunk: Uint8Array) => {
          try {
            add(chunk);
          } catch (error) {
            fail(error);
          }
        };
        const hungUp = () => fail(Object.assign(new Error("the client hung up"), { code: "ECONNRESET" }));
        if (payload.destroyed) return hungUp();
        signal.addEventListener("abort", stop);
        payload
          .on("data", data)
          // In HTTP/2, "end" also follows a body that was cut off.
          .once("end", () => (request.aborted ? hungUp() : resolve()))
          // Never removed: without a listener, a later error would end the process.
          .once("error", fail)
          .once("close", hungUp)
          // The stream may have been paused before.
          .resume();
      }),
  };
}

/** Whether the connection must end with the response, because the body was not read to its end. */
export function mustClose({ complete, httpVersionMajor }: IncomingMessage): boolean {
  return !complete && httpVersionMajor === 1;
}

/** Sends the response. */
export function send(request: IncomingMessage, response: ServerResponse, outcome: Outcome): void {
  const { status, headers, text } = answer(outcome);
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (mustClose(request)) response.setHeader("connection", "close");
  response.end(text);
}
