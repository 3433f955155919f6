// Receives Walnut's webhooks in Express:  WALNUT_WEBHOOK_KEY=... node server.mjs
import { createHash } from "node:crypto";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const app = express();

app.post("/webhook", express.raw({ type: () => true, limit: "2mb" }), handler(webhook, async (delivery, { request }) => {
  const { id, name, type } = delivery;
  const sha256 = createHash("sha256").update(request.body).digest("hex");
  console.log(JSON.stringify({ id, name, type, bytes: request.body.length, sha256 }));
}));

const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
