// Receives Walnut's webhooks in Fastify:  WALNUT_WEBHOOK_KEY=... node server.mjs
import Fastify from "fastify";
import { Webhook } from "walnut-webhooks";
import { plugin } from "walnut-webhooks/fastify";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const app = Fastify();

const onDelivery = async (delivery) => console.log(delivery.type, delivery.id);
app.register(plugin(webhook, onDelivery, { url: "/webhook" }));

const address = await app.listen({ host: "127.0.0.1", port: process.env.PORT ?? 3000 });
console.log(`listening on ${address}/webhook`);
