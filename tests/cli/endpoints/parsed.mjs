// An Express app whose body parser reads each request before walnut-webhooks. This is a common mistake, which
// walnut-webhooks reports in its answer.
import { createServer } from "node:http";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

export function parsedBefore(key) {
  const app = express();
  app.set("env", "test"); // so that Express does not log interrupted requests
  app.use(express.json({ limit: "8mb" }));
  app.post("/webhook", handler(new Webhook(key), () => {}, { onReject: () => {} }));
  return createServer(app);
}

/** The same app without the body parser. */
export function rawEndpoint(key) {
  const app = express();
  app.post("/webhook", handler(new Webhook(key), () => {}, { onReject: () => {} }));
  return createServer(app);
}
