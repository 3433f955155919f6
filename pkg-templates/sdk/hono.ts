/**
 * Receives Walnut's webhooks in Hono.
 *
 * @module
 */
import { type DeliveryContext, HANDLER_OPTIONS, type HandlerOptions as Options, wrongAdapter } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import type { WebhookLike } from "./receive.js";
import { web } from "./web.js";

export type { DeliveryHandler, EventHandlers, OnDelivery } from "./handlers.js";
export type { RejectContext } from "./reject.js";

/** The part of Hono's context that the adapter uses. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request;
    /** The results of the methods that have read the body so far, by method. */
    readonly bodyCache?: object;
    /** Returns the body's bytes, from the cache if they are there. */
    arrayBuffer?(): Promise<ArrayBuffer>;
  };
}

/** The second argument of `onDelivery`. */
export interface HonoDeliveryContext<C> extends DeliveryContext<Request> {
  /** Hono's own context. */
  readonly context: C;
}

/** The options of `handler`. */
export interface HandlerOptions<C> extends Options<Request, HonoDeliveryContext<C>> {}

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
export function handler<C extends HonoContext>(
  webhook: WebhookLike,
  onDelivery: OnDelivery<HonoDeliveryContext<C>>,
  options: HandlerOptions<C> = {},
): (context: C) => Promise<Response> {
  const run = web(webhook, onDelivery, options, {
    name: "hono",
    fix:
      "Put this route before any middleware that reads the body with c.req.json(), text(), parseBody() or formData(): " +
      "Hono keeps only their results, not the bytes. Or read the body with c.req.arrayBuffer() there.",
    known: HANDLER_OPTIONS,
  });
  return (context) => {
    if (typeof context?.req?.raw !== "object") throw wrongAdapter("hono", "a context of Hono", context);
    return run(context.req.raw, (signal) => ({ context, request: context.req.raw, signal }), keptBytes(context));
  };
}

/** Returns the function that gets the raw bytes, if Hono has kept them: it does after `arrayBuffer()`, `bytes()` and `blob()`. */
function keptBytes({ req }: HonoContext): (() => Promise<ArrayBuffer>) | undefined {
  const { bodyCache = {}, arrayBuffer } = req;
  if (!("arrayBuffer" in bodyCache || "blob" in bodyCache)) return undefined;
  return arrayBuffer?.bind(req);
}
