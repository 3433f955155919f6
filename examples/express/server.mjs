// Receives Walnut's webhooks in Express:  WALNUT_WEBHOOK_KEY=... node server.mjs
import { createHash } from "node:crypto";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const app = express();

// Hashes the body as it arrives, to show that the body is unchanged. No body parser runs before the handler, because a
// parser reads without a time limit, and its error responses show a stack.
const hash = (request, _response, next) => {
  request.bytes = 0;
  request.sha256 = createHash("sha256");
  request.on("data", (piece) => {
    request.bytes += piece.length;
    request.sha256.update(piece);
  });
  next();
};

app.post("/webhook", hash, handler(webhook, async (delivery, { request }) => {
  const { id, name, type } = delivery;
  console.log(JSON.stringify({ id, name, type, bytes: request.bytes, sha256: request.sha256.digest("hex") }));
}));

const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
