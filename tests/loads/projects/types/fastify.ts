// Compiled, never run: the entry that needs the types of Fastify.
import type { FastifyInstance } from "fastify";
import { Webhook } from "walnut-webhooks";
import { plugin } from "walnut-webhooks/fastify";

export const register = (app: FastifyInstance) =>
  app.register(plugin(new Webhook("key"), ({ id }, { request }) => [id satisfies string, request.ip satisfies string], { url: "/a" }));
