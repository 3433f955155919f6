/**
 * Receives Walnut's webhooks where a `Request` comes and a `Response` goes: Workers, Deno, Bun, Next's app
 * routes, SvelteKit.
 *
 * @module
 */
import type { Delivery } from "./delivery.js";
import type { DeliveryContext, HandlerOptions } from "./flow.js";
import type { WebhookLike } from "./receive.js";
import { web } from "./web.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";

/**
 * Makes a function that answers a request, and calls `onDelivery` with each genuine delivery.
 *
 * Walnut hears 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that it
 * sends again.
 *
 * @throws RangeError when a timeout in `options` is no whole number in its range.
 * @example
 * export const POST = handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * });
 */
export function handler<R extends Request>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: DeliveryContext<R>) => unknown,
  options: HandlerOptions<R> = {},
): (request: R) => Promise<Response> {
  const run = web(
    webhook,
    onDelivery,
    options,
    "Hand the request over before anything reads it; what has to read it first reads request.clone().",
  );
  return (request) => run(request, (signal) => ({ request, signal }));
}
