/**
 * Receives Walnut's webhooks in Express 4 and 5, whatever body parser ran before.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Delivery } from "./delivery.js";
import { flow, rejectReporter, settle } from "./flow.js";
import type { DeliveryContext, HandlerOptions, Outcome, RejectOptions } from "./flow.js";
import { type Incoming, incoming, send } from "./incoming.js";
import { createReceive, type ReceiveOptions, type Source, type WebhookLike } from "./receive.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";

/** What is used of a request of Express. */
export type Request = Incoming;

/** The options of `middleware`. */
export interface MiddlewareOptions<R = Request> extends ReceiveOptions, RejectOptions<R> {}

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
 * Walnut hears 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that it
 * sends again.
 *
 * @throws RangeError when a timeout in `options` is no whole number in its range.
 * @example
 * app.post("/webhook", handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * }));
 */
export function handler<R extends Request>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: DeliveryContext<R>) => unknown,
  options: HandlerOptions<R> = {},
): Handler {
  const run = flow(webhook, onDelivery, options);
  return route(
    options,
    (request) => run(source(request), (signal) => ({ request, signal })),
    (request, response) => send(request, response, undefined),
  );
}

/**
 * Makes a middleware that leaves a genuine delivery in `request.delivery` and goes on, and answers
 * any other request itself. What comes after it answers 200, within 25 seconds.
 *
 * @throws RangeError when a timeout in `options` is no whole number in its range.
 * @example
 * app.post("/webhook", middleware(webhook), (request, response) => {
 *   console.log(request.delivery?.id);
 *   response.sendStatus(200);
 * });
 */
export function middleware<R extends Request>(webhook: WebhookLike, options: MiddlewareOptions<R> = {}): Handler {
  const receive = createReceive(webhook, options);
  return route(
    options,
    (request) => settle(async () => void Object.assign(request, { delivery: await receive(source(request)) })),
    (_request, _response, next) => next(),
  );
}

/** Answers what was refused; what else goes wrong, a connection that breaks above all, is Express's. */
function route<R extends Request>(
  options: RejectOptions<R>,
  run: (request: R) => Promise<Outcome>,
  accept: (request: R, response: ServerResponse, next: () => void) => void,
): Handler {
  const reportReject = rejectReporter(options);
  return (its, response, next) => {
    const request = its as R;
    run(request)
      .then((refused) => {
        if (refused === undefined) return accept(request, response, next);
        send(request, response, refused);
        return reportReject(refused, request);
      })
      .catch(next);
  };
}

function source(request: Request): Source {
  return incoming(
    request,
    "Put this route before app.use(express.json()) and its like; or keep the bytes there: " +
      "express.json({ verify: (request, _, bytes) => { request.rawBody = bytes; } }).",
  );
}
