// Keeps rejected requests while the new key is unknown, and verifies them again after a restart with it. Node.js 24:
//   WALNUT_WEBHOOK_KEY=... WALNUT_WEBHOOK_KEY_PREVIOUS=... DATABASE=webhooks.db node server.mjs
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
import { RejectedStore } from "./rejected-store.mjs";

const HOUR = 60 * 60 * 1000;
const { WALNUT_WEBHOOK_KEY: key, WALNUT_WEBHOOK_KEY_PREVIOUS: previous } = process.env;

const database = new DatabaseSync(process.env.DATABASE ?? "webhooks.db", { timeout: 1000 });
database.exec("CREATE TABLE IF NOT EXISTS delivery (id TEXT PRIMARY KEY, event TEXT NOT NULL) STRICT");
const insert = database.prepare("INSERT INTO delivery (id, event) VALUES (?, ?) ON CONFLICT DO NOTHING");
const rejected = new RejectedStore(database);

// Walnut also sends a rejected event again. Both requests have the same id, so the second one changes nothing.
async function onDelivery({ id, event, keyIndex }) {
  const isNew = insert.run(id, JSON.stringify(event)).changes === 1;
  console.log(isNew ? "stored" : "duplicate", id, "keyIndex", keyIndex); // 1: the previous key is still in use
}

function onReject(error, { request, body }) {
  if (error.status >= 500) console.error(error);
  if (error.code !== "signature_mismatch") return;
  const isAdded = rejected.add(body, request.headers["x-walnut-signature"]);
  if (isAdded) console.error("Kept a request whose signature matches no key. Has the key been reset?");
}

// Uses the current key alone, because after a leak, others know the previous one.
const current = new Webhook(key);
for (const { id, body, signature } of rejected.list()) {
  let delivery;
  try {
    delivery = current.verify(body, signature);
  } catch {
    continue; // a forgery, or the key is still the old one
  }
  await onDelivery(delivery);
  rejected.remove(id);
}
setInterval(() => rejected.expire(), HOUR).unref();

const webhook = new Webhook([key, previous].filter(Boolean));
const server = createServer(handler(webhook, onDelivery, { onReject, path: "/webhook" }));
server.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
