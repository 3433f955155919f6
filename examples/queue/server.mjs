// Stores each delivery in a queue, and acknowledges it. QUEUE is ./bullmq.mjs, ./pg-boss.mjs or ./sqlite.mjs:
//   QUEUE=./sqlite.mjs WALNUT_WEBHOOK_KEY=... node server.mjs
import { createServer } from "node:http";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
import { setting } from "./setting.mjs";

const { enqueue } = await import(setting("QUEUE"));

// The handler answers 200 after this promise resolves, so the queue must have stored the delivery by then.
const onDelivery = (delivery) => enqueue(delivery);

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const server = createServer(handler(webhook, onDelivery, { path: "/webhook" }));
server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
