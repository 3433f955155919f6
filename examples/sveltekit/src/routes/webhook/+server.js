import { env } from "$env/dynamic/private";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";

async function onDelivery(delivery) {
  console.log(delivery.type, delivery.id);
}

// Created by the first request, because `vite build` also runs this module, and has no key.
let receive;

export function POST({ request }) {
  receive ??= handler(new Webhook(env.WALNUT_WEBHOOK_KEY), onDelivery);
  return receive(request);
}
