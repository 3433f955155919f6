import { type Delivery, Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";

async function onDelivery(delivery: Delivery) {
  console.log(delivery.type, delivery.id);
}

// Created by the first request, because `next build` also runs this module, and has no key.
let receive: ((request: Request) => Promise<Response>) | undefined;

export function POST(request: Request) {
  receive ??= handler(new Webhook(process.env.WALNUT_WEBHOOK_KEY), onDelivery);
  return receive(request);
}
