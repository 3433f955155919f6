// Handles each event once, with the SQLite module of Node.js 24:
//   WALNUT_WEBHOOK_KEY=... SEEN=seen.db node server.mjs
import { createServer } from "node:http";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
import { SqliteStore } from "./sqlite-store.mjs";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const seen = new SqliteStore(process.env.SEEN ?? "seen.db");

const receive = handler(webhook, async (delivery) => console.log(delivery.type, delivery.id), { seen });
const server = createServer(receive).listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
