/**
 * Receives Walnut's webhooks in Fastify 5.
 *
 * @module
 */
import type { Readable } from "node:stream";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Delivery } from "./delivery.js";
import { answer, type DeliveryContext, flow, type HandlerOptions, type Outcome, rejectReporter } from "./flow.js";
import { incoming, mustClose } from "./incoming.js";
import type { WebhookLike } from "./receive.js";

export type { DeliveryContext, HandlerOptions } from "./flow.js";

/** The options of `plugin`. */
export interface PluginOptions extends HandlerOptions<FastifyRequest> {
  /** The path of the route. The default is `/webhook`. */
  url?: string;
}

/**
 * Makes a plugin with one POST route that calls `onDelivery` with each genuine delivery.
 *
 * The route is in a scope of its own: how the app reads other bodies stays as it is. Walnut hears 200 once
 * `onDelivery` has resolved, and an error if it throws or takes too long, so that it sends again.
 *
 * @throws RangeError when a timeout in `options` is no whole number in its range.
 * @example
 * app.register(plugin(webhook, async (delivery, { signal }) => {
 *   await save(delivery.id, delivery.event, { signal });
 * }, { url: "/webhook" }));
 */
export function plugin(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: DeliveryContext<FastifyRequest>) => unknown,
  options: PluginOptions = {},
): (app: FastifyInstance) => Promise<void> {
  const run = flow(webhook, onDelivery, options);
  const reportReject = rejectReporter(options);
  return async (app) => {
    // The body stays a stream: read here, it is counted and timed here, and refused in this package's words.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, payload, parsed) => parsed(null, payload));
    app.post(options.url ?? "/webhook", receive);
    // A content type that is none has Fastify refuse the request before any parser; but it is the signature
    // that decides what is genuine.
    app.setErrorHandler<FastifyError>((error, request, reply) => {
      if (error.code !== "FST_ERR_CTP_INVALID_MEDIA_TYPE") throw error;
      return receive(request, reply);
    });
  };

  async function receive(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const source = incoming(
      request.raw,
      "Leave the body unread in every onRequest and preParsing hook before this route, or keep the bytes " +
        "there: request.raw.rawBody = bytes.",
      request.body as Readable | undefined,
    );
    const outcome = await run(source, (signal) => ({ request, signal }));
    send(request, reply, outcome);
    // Too late for Fastify's own errors: the answer has gone.
    await reportReject(outcome, request).catch((error) => console.error(error));
    return reply;
  }
}

function send(request: FastifyRequest, reply: FastifyReply, outcome: Outcome): void {
  const { status, type, text } = answer(outcome);
  if (mustClose(request.raw)) reply.header("connection", "close");
  // As bytes, so that no serializer and no charset is put to it.
  reply.code(status).header("content-type", type).send(Buffer.from(text));
}
