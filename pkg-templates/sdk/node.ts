/**
 * Receives Walnut's webhooks in `node:http` and in the frameworks that use its requests: Koa, h3, Next's pages API.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type DeliveryContext, flow, HANDLER_OPTIONS, type HandlerOptions as Options, wrongAdapter } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import { headChecker, type HeadOptions } from "./head.js";
import { hasHungUp, incoming, send } from "./incoming.js";
import type { WebhookLike } from "./receive.js";
import type { Outcome } from "./reject.js";

export type { DeliveryContext } from "./flow.js";
export type { DeliveryHandler, EventHandlers, OnDelivery } from "./handlers.js";
export type { RejectContext } from "./reject.js";

/** The options of `handler`. */
export interface HandlerOptions<R> extends Options<R>, HeadOptions {}

/**
 * Makes a request listener that calls `onDelivery` with each genuine delivery.
 *
 * Walnut gets 200 once `onDelivery` has resolved, and an error if it throws or takes too long, so that Walnut sends the
 * event again. The listener returns a promise that resolves once the response is sent, and never rejects.
 *
 * @throws TypeError when an argument is missing, in the wrong place, of the wrong type or misspelt.
 * @throws RangeError when a timeout in `options` is out of its range.
 * @example
 * http.createServer(handler(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * })).listen(3000);
 */
export function handler<R extends IncomingMessage>(
  webhook: WebhookLike,
  onDelivery: OnDelivery<DeliveryContext<R>>,
  options: HandlerOptions<R> = {},
): (request: R, response: ServerResponse) => Promise<void> {
  const { run, report } = flow("handler", webhook, onDelivery, options, [...HANDLER_OPTIONS, "path"]);
  const checkHead = headChecker(options);
  const listen = async (request: R, response: ServerResponse): Promise<void> => {
    const source = incoming(
      request,
      "Pass the request to the handler before anything reads it: in Koa, before koa-bodyparser; in Next's " +
        "pages API, with export const config = { api: { bodyParser: false } }.",
    );
    source.check = () => checkHead(request.method, request.url);
    let outcome: Outcome;
    try {
      outcome = await run(source, (signal) => ({ request, signal }));
    } catch (error) {
      return answerError(error, request, response);
    }
    send(request, response, outcome);
    // The response is sent, so an error of onReject can only be logged.
    await report(outcome, request, request.headers).catch((error) => console.error(error));
  };
  return (request, response) => {
    if (typeof response?.setHeader !== "function") throw wrongAdapter("node", "a request and a response of Node", request);
    return listen(request, response);
  };
}

/** Logs an error that is not a rejection, and answers 500. A rethrown error could end the process, and strangers could cause it. */
function answerError(error: unknown, request: IncomingMessage, response: ServerResponse): void {
  if (hasHungUp(request)) return;
  console.error(error);
  response.statusCode = 500;
  response.end();
}
