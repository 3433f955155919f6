/**
 * Receives Walnut's webhooks in Hono.
 *
 * @module
 */
import type { Delivery } from "./delivery.js";
import type { DeliveryContext, HandlerOptions } from "./flow.js";
import type { WebhookLike } from "./receive.js";
import { web } from "./web.js";

export type { HandlerOptions } from "./flow.js";

/** What is used of a context of Hono. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
}

/** What `onDelivery` is handed besides the delivery. */
export interface HonoDeliveryContext<C> extends DeliveryContext<Request> {
  /** Hono's own context. */
  readonly context: C;
}

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
export function handler<C extends HonoContext>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: HonoDeliveryContext<C>) => unknown,
  options: HandlerOptions<Request> = {},
): (context: C) => Promise<Response> {
  const run = web(
    webhook,
    onDelivery,
    options,
    "Put this route before any middleware that reads the body with c.req.json(), text() or another: " +
      "what Hono keeps of it is not the bytes that came. What has to read it first reads c.req.raw.clone().",
  );
  return (context) => run(context.req.raw, (signal) => ({ context, request: context.req.raw, signal }));
}
