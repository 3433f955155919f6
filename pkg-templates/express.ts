/**
 * Receives Walnut's webhooks in Express 4 and 5, whatever body parser ran before.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Delivery } from "./delivery.js";
import type { WebhookError } from "./error.js";
import { type Answer, answer, handle, OK, read, refused, type Verifying } from "./flow.js";
import { notRaw } from "./input.js";

/** What is used of a request of Express. */
export type Request = IncomingMessage & { body?: unknown; rawBody?: unknown };

export interface ExpressOptions {
  /**
   * Is told of every request that was refused, once it is answered. By default, what is no stranger's
   * doing is logged: errors with a status of 500 and above, with their cause.
   */
  onReject?: (error: WebhookError, request: Request) => unknown;
}

declare global {
  namespace Express {
    interface Request {
      /** Left by `middleware` of walnut-webhooks. */
      delivery?: Delivery;
    }
  }
}

type Handler = (request: Request, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Makes a route handler that calls `onDelivery` with each genuine delivery.
 *
 * Walnut hears 200 once `onDelivery` has resolved, and 500 if it throws, so that it sends again.
 *
 * @example
 * app.post("/webhook", handler(webhook, async (delivery) => {
 *   await save(delivery.id, delivery.event);
 * }));
 */
export function handler<R extends Request>(
  webhook: Verifying,
  onDelivery: (delivery: Delivery, request: R) => unknown,
  options: ExpressOptions = {},
): Handler {
  return route(options, async (request, response) => {
    const delivery = await receive(webhook, request);
    await handle(() => onDelivery(delivery, request as R));
    send(response, OK);
  });
}

/**
 * Makes a middleware that leaves a genuine delivery in `request.delivery` and goes on, and answers
 * any other request itself. What comes after it answers 200 or 201, within 30 seconds.
 *
 * @example
 * app.post("/webhook", middleware(webhook), (request, response) => {
 *   console.log(request.delivery.id);
 *   response.sendStatus(200);
 * });
 */
export function middleware(webhook: Verifying, options: ExpressOptions = {}): Handler {
  return route(options, async (request, _, next) => {
    const delivery = await receive(webhook, request);
    Object.assign(request, { delivery });
    next();
  });
}

/** Answers what was refused; what else goes wrong, a connection that breaks above all, is Express's. */
function route(options: ExpressOptions, handler: (...args: Parameters<Handler>) => Promise<void>): Handler {
  const { onReject = log } = options;
  return (request, response, next) => {
    handler(request, response, next)
      .catch((error) => {
        const reason = refused(error);
        // What is left of the body is not worth reading.
        if (!request.complete) response.setHeader("connection", "close");
        send(response, answer(reason));
        return onReject(reason, request);
      })
      .catch(next);
  };
}

function log(error: WebhookError): void {
  if (error.status >= 500) console.error(error);
}

async function receive(webhook: Verifying, request: Request): Promise<Delivery> {
  return webhook.verify(await rawBody(webhook, request), request.headers);
}

async function rawBody(webhook: Verifying, request: Request): Promise<Uint8Array> {
  if (Buffer.isBuffer(request.rawBody)) return request.rawBody;
  if (Buffer.isBuffer(request.body)) return request.body;
  if (request.readableDidRead) throw eaten(request.body);
  const declared = request.headers["content-length"];
  webhook.precheck(request.headers, declared === undefined ? undefined : Number(declared));
  return read(webhook, request.headers, request);
}

function eaten(body: unknown): Error {
  const parser =
    typeof body === "string" ? "express.text()" : body === undefined ? "something" : "a parser such as express.json()";
  return notRaw(
    `${parser} has read the request before walnut-webhooks could`,
    "Put this route before app.use(express.json()); or keep the bytes there: " +
      "express.json({ verify: (request, _, bytes) => { request.rawBody = bytes; } }).",
  );
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(body));
}
