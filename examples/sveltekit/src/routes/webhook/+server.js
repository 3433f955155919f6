import { env } from "$env/dynamic/private";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";

async function onDelivery(delivery) {
  console.log(delivery.type, delivery.id);
}

// `vite build` runs this module too, where there is no key: the first request makes the webhook.
let receive;

export function POST({ request }) {
  receive ??= handler(new Webhook(env.WALNUT_WEBHOOK_KEY), onDelivery);
  return receive(request);
}
