import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);

// The signature is that of the bytes as they came: Next must not parse them. The handler answers by itself.
export const config = { api: { bodyParser: false, externalResolver: true } };

export default handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
});
