// Receives Walnut's webhooks with node:http alone:  WALNUT_WEBHOOK_KEY=... node server.mjs
import { createServer } from "node:http";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const receive = handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
}, { path: "/webhook" });

const server = createServer(receive);
server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
