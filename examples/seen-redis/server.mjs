// Handles each event once in all processes that share a Redis:
//   WALNUT_WEBHOOK_KEY=... REDIS_URL=redis://127.0.0.1:6379 node server.mjs
import { createServer } from "node:http";
import { createClient } from "redis";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
import { RedisStore } from "./redis-store.mjs";

// Without an offline queue, the answer is 503 at once while Redis is unreachable, and Walnut sends the event again.
const client = createClient({ url: process.env.REDIS_URL, disableOfflineQueue: true });
client.on("error", (error) => console.error(error.message));
await client.connect();

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const seen = new RedisStore(client);

const receive = handler(webhook, async (delivery) => console.log(delivery.type, delivery.id), { seen });
const server = createServer(receive).listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
