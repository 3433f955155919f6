import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);

// The signature covers the raw bytes, so Next.js must not parse the body. The handler sends the response by itself.
export const config = { api: { bodyParser: false, externalResolver: true } };

export default handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
});
