// Receives Walnut's webhooks in Google Cloud Functions:
//   WALNUT_WEBHOOK_KEY=... npx functions-framework --target=webhook
import functions from "@google-cloud/functions-framework";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);

// The framework parses every body, and keeps the raw body in `rawBody`.
functions.http("webhook", handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
}));
