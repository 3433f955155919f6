/**
 * Receives Walnut's webhooks in Fastify 5.
 *
 * @module
 */
import type { Readable } from "node:stream";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { answer, type DeliveryContext, flow, HANDLER_OPTIONS, type HandlerOptions } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import { hasHungUp, incoming, mustClose } from "./incoming.js";
import { kind } from "./options.js";
import type { WebhookLike } from "./receive.js";
import type { Outcome } from "./reject.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";
export type { DeliveryHandler, EventHandlers, OnDelivery } from "./handlers.js";
export type { RejectContext } from "./reject.js";

/** The options of `plugin`. */
export interface PluginOptions extends HandlerOptions<FastifyRequest> {
  /** The path of the route. The default is `/webhook`. */
  url?: string | undefined;
}

/**
 * Makes a plugin with one POST route that calls `onDelivery` with each genuine delivery.
 *
 * The route has its own scope, so other routes keep their body parsers. Walnut gets 200 once `onDelivery` has
 * resolved, and an error if it throws or takes too long, so that Walnut sends the event again.
 *
 * @throws TypeError when an argument is missing, in the wrong place, of the wrong type or misspelt.
 * @throws RangeError when a timeout in `options` is out of its range.
 * @example
 * app.register(plugin(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * }, { url: "/webhook" }));
 */
export function plugin(
  webhook: WebhookLike,
  onDelivery: OnDelivery<DeliveryContext<FastifyRequest>>,
  options: PluginOptions = {},
): (app: FastifyInstance) => Promise<void> {
  const { run, report } = flow("plugin", webhook, onDelivery, options, [...HANDLER_OPTIONS, "url"]);
  const { url = "/webhook" } = options;
  if (typeof url !== "string") throw new TypeError(`url must be a string, but is ${kind(url)}.`);
  return async (app) => {
    // The body stays a stream, so that this package limits its size and time, and answers errors.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload));
    app.post(url, receive);
    // Fastify rejects an invalid content type before any parser runs, but the signature decides what is genuine.
    app.setErrorHandler<FastifyError>((error, request, reply) => {
      if (error.code !== "FST_ERR_CTP_INVALID_MEDIA_TYPE") throw error;
      return receive(request, reply);
    });
  };

  async function receive(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const source = incoming(
      request.raw,
      "Leave the body unread in every onRequest and preParsing hook before this route, or keep the bytes " +
        "there: Object.assign(request.raw, { rawBody }).",
      request.body as Readable | undefined,
    );
    let outcome: Outcome;
    try {
      outcome = await run(source, (signal) => ({ request, signal }));
    } catch (error) {
      if (!hasHungUp(request.raw)) throw error;
      // No client waits for a response.
      return reply.hijack();
    }
    send(request, reply, outcome);
    // The response is sent, so Fastify's error handler can't handle this error.
    await report(outcome, request, request.headers).catch((error) => console.error(error));
    return reply;
  }
}

function send(request: FastifyRequest, reply: FastifyReply, outcome: Outcome): void {
  const { status, headers, text } = answer(outcome);
  if (mustClose(request.raw)) reply.header("connection", "close");
  // As bytes, so that Fastify adds no charset and runs no serializer.
  reply.code(status).headers(headers).send(Buffer.from(text));
}
