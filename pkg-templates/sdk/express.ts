/**
 * Receives Walnut's webhooks in Express 4 and 5.
 *
 * @module
 */
import type { ServerResponse } from "node:http";
import type { Delivery } from "./delivery.js";
import { checkArguments, type DeliveryContext, flow, HANDLER_OPTIONS, type HandlerOptions, RECEIVE_OPTIONS, settle, wrongAdapter } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import { hasHungUp, type Incoming, incoming, send } from "./incoming.js";
import { createReceive, type ReceiveOptions, type Source, type WebhookLike } from "./receive.js";
import { type Outcome, type RejectOptions, rejectReporter, type ReportReject } from "./reject.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";
export type { DeliveryHandler, EventHandlers, OnDelivery } from "./handlers.js";
export type { RejectContext } from "./reject.js";

/** The part of an Express request that the adapter uses. */
export type Request = Incoming;

/** The options of `middleware`. */
export interface MiddlewareOptions<R = Request> extends ReceiveOptions, RejectOptions<R> {}

declare global {
  namespace Express {
    interface Request {
      /** The delivery, set by `middleware` of walnut-webhooks. */
      delivery?: Delivery;
    }
  }
}

type Handler = (request: Request, response: ServerResponse, next: (error?: unknown) => void) => Promise<void>;

/**
 * Makes a route handler that calls `onDelivery` with each genuine delivery.
 *
 * Walnut gets 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that Walnut sends the
 * event again.
 *
 * @throws TypeError when an argument is missing, in the wrong place, of the wrong type or misspelt.
 * @throws RangeError when a timeout in `options` is out of its range.
 * @example
 * app.post("/webhook", handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * }));
 */
export function handler<R extends Request>(
  webhook: WebhookLike,
  onDelivery: OnDelivery<DeliveryContext<R>>,
  options: HandlerOptions<R> = {},
): Handler {
  const { run, report } = flow("handler", webhook, onDelivery, options, HANDLER_OPTIONS);
  return route(
    report,
    (request) => run(source(request), (signal) => ({ request, signal })),
    (request, response) => send(request, response, undefined),
  );
}

/**
 * Makes a middleware that sets `request.delivery` for a genuine delivery and calls `next()`, and answers every other
 * request itself. The handlers after it must answer 200 within 25 seconds. The raw body is in `request.rawBody`.
 *
 * @throws TypeError when an argument is missing, in the wrong place, of the wrong type or misspelt.
 * @throws RangeError when a timeout in `options` is out of its range.
 * @example
 * app.post("/webhook", middleware(webhook), (request, response) => {
 *   console.log(request.delivery?.id);
 *   response.sendStatus(200);
 * });
 */
export function middleware<R extends Request>(webhook: WebhookLike, options: MiddlewareOptions<R> = {}): Handler {
  checkArguments("middleware", webhook, options, RECEIVE_OPTIONS);
  const receive = createReceive(webhook, options);
  return route(
    rejectReporter(webhook, options),
    (request) =>
      settle(async (received) => void Object.assign(request, { delivery: await receive(source(request), received) })),
    (_request, _response, next) => next(),
  );
}

/** Answers rejections. Every other error goes to Express, unless the client has hung up. */
function route<R extends Request>(
  report: ReportReject<R>,
  run: (request: R) => Promise<Outcome>,
  accept: (request: R, response: ServerResponse, next: () => void) => void,
): Handler {
  const respond = async (request: R, response: ServerResponse, next: (error?: unknown) => void): Promise<void> => {
    let outcome: Outcome;
    try {
      outcome = await run(request);
    } catch (error) {
      return hasHungUp(request) ? undefined : next(error);
    }
    if (outcome === undefined) return accept(request, response, next);
    send(request, response, outcome);
    await report(outcome, request, request.headers).catch(next);
  };
  return (request, response, next) => {
    if (typeof next !== "function" || typeof response?.setHeader !== "function") {
      throw wrongAdapter("express", "a request, a response and next of Express", request);
    }
    return respond(request as R, response, next);
  };
}

function source(request: Request): Source {
  return incoming(
    request,
    "Put this route before app.use(express.json()) and other body parsers; or keep the bytes there: " +
      'express.json({ limit: "2mb", verify: (request, _, rawBody) => { Object.assign(request, { rawBody }); } }).',
  );
}
