// Receives Walnut's webhooks in Hono:  WALNUT_WEBHOOK_KEY=... node server.mjs
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/hono";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const app = new Hono();

app.post("/webhook", handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
}));

serve({ fetch: app.fetch, hostname: "127.0.0.1", port: process.env.PORT ?? 3000 }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}/webhook`);
});
