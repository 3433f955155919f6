// An Express app whose body parser reads each request before walnut-webhooks: a common mistake, which it answers itself.
import { createServer } from "node:http";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

export function parsedBefore(key) {
  const app = express();
  app.set("env", "test"); // so that Express does not log a request that was cut off
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
