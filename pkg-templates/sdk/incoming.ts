// What Express, Fastify and plain Node have in common: Node's own requests.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { answer, type Outcome } from "./flow.js";
import { notRaw } from "./input.js";
import type { Source, Unread } from "./receive.js";

/** What is used of a request of Node, with what body parsers leave there. */
export type Incoming = IncomingMessage & { body?: unknown; rawBody?: unknown };

/**
 * Presents a request.
 *
 * @param fix - Says how to keep the bytes in this framework.
 * @param payload - The stream of the body, where it is not the request itself.
 */
export function incoming(request: Incoming, fix: string, payload: Readable = request): Source {
  return {
    headers: request.headers,
    body: () => {
      if (Buffer.isBuffer(request.rawBody)) return request.rawBody;
      if (Buffer.isBuffer(request.body)) return request.body;
      if (payload.readableDidRead) throw notRaw(describeConsumer(request.body), fix);
      return unread(payload, request.headers["content-length"]);
    },
  };
}

function describeConsumer(left: unknown): string {
  const reader = left === undefined ? "something" : "a body parser";
  const what = left === undefined ? "" : typeof left === "string" ? ", and left text" : ", and left what it parsed";
  return `${reader} has read the request before walnut-webhooks could${what}`;
}

function unread(payload: Readable, declared: string | undefined): Unread {
  return {
    declared,
    read: (take, signal) =>
      new Promise((resolve, reject) => {
        const stop = () => payload.off("data", piece).pause();
        const fail = (error: unknown) => {
          stop();
          reject(error);
        };
        const piece = (bytes: Uint8Array) => {
          try {
            take(bytes);
          } catch (error) {
            fail(error);
          }
        };
        const broken = () => fail(Object.assign(new Error("the request broke off"), { code: "ECONNRESET" }));
        if (payload.destroyed) return broken();
        signal.addEventListener("abort", stop);
        payload
          .on("data", piece)
          .once("end", resolve)
          // It stays: an error that comes when all is decided would be nobody's, and end the process.
          .once("error", fail)
          .once("close", broken);
      }),
  };
}

/** Whether the connection must end with the answer, since not all of the body was read. */
export function mustClose({ complete, httpVersionMajor }: IncomingMessage): boolean {
  return !complete && httpVersionMajor === 1;
}

/** Sends the answer to what a request has come to. */
export function send(request: IncomingMessage, response: ServerResponse, outcome: Outcome): void {
  const { status, type, text } = answer(outcome);
  response.statusCode = status;
  response.setHeader("content-type", type);
  if (mustClose(request)) response.setHeader("connection", "close");
  response.end(text);
}
