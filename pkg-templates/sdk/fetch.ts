/**
 * Receives Walnut's webhooks as a function from `Request` to `Response`: Workers, Deno, Bun, Next's app routes, SvelteKit.
 *
 * @module
 */
import { type DeliveryContext, HANDLER_OPTIONS, type HandlerOptions as Options } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import { headChecker, type HeadOptions } from "./head.js";
import type { WebhookLike } from "./receive.js";
import { web } from "./web.js";

export type { DeliveryContext } from "./flow.js";
export type { DeliveryHandler, EventHandlers, OnDelivery } from "./handlers.js";
export type { RejectContext } from "./reject.js";

/** The options of `handler`. */
export interface HandlerOptions<R> extends Options<R>, HeadOptions {}

/**
 * Makes a function that answers a request, and calls `onDelivery` with each genuine delivery.
 *
 * Walnut gets 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that Walnut sends the
 * event again.
 *
 * @throws TypeError when an argument is missing, in the wrong place, of the wrong type or misspelt.
 * @throws RangeError when a timeout in `options` is out of its range.
 * @example
 * export const POST = handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * });
 */
export function handler<R extends Request>(
  webhook: WebhookLike,
  onDelivery: OnDelivery<DeliveryContext<R>>,
  options: HandlerOptions<R> = {},
): (request: R) => Promise<Response> {
  const run = web(webhook, onDelivery, options, {
    name: "fetch",
    fix: "Pass the request to the handler before anything reads it; code that must read it first reads request.clone().",
    known: [...HANDLER_OPTIONS, "path"],
    check: ({ method, url }) => checkHead(method, url),
  });
  const checkHead = headChecker(options);
  return (request) => run(request, (signal) => ({ request, signal }));
}
