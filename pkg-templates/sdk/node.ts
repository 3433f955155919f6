/**
 * Receives Walnut's webhooks in Node's own `http`, and in what is built on it: Koa, Next's pages API.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Delivery } from "./delivery.js";
import { type DeliveryContext, flow, type HandlerOptions, rejectReporter } from "./flow.js";
import { incoming, send } from "./incoming.js";
import type { WebhookLike } from "./receive.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";

/**
 * Makes a listener for requests that calls `onDelivery` with each genuine delivery.
 *
 * Walnut hears 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that it
 * sends again.
 *
 * @throws RangeError when a timeout in `options` is no whole number in its range.
 * @example
 * http.createServer(handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * })).listen(3000);
 */
export function handler<R extends IncomingMessage>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: DeliveryContext<R>) => unknown,
  options: HandlerOptions<R> = {},
): (request: R, response: ServerResponse) => void {
  const run = flow(webhook, onDelivery, options);
  const reportReject = rejectReporter(options);
  return (request, response) => {
    const source = incoming(
      request,
      "Hand the request over before anything reads it: in Koa, before koa-bodyparser and its like; in Next's " +
        "pages API, with export const config = { api: { bodyParser: false } }.",
    );
    run(source, (signal) => ({ request, signal }))
      .then(
        (outcome) => {
          send(request, response, outcome);
          return reportReject(outcome, request);
        },
        (error) => failed(error, request, response),
      )
      .catch((error) => console.error(error));
  };
}

/** No framework takes what else goes wrong; thrown on, it would end the process, and a stranger could do that. */
function failed(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  // Whoever breaks off hears no answer, and needs none.
  if (request.destroyed && !request.complete) return;
  console.error(error);
  response.statusCode = 500;
  response.end();
}
