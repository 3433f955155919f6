// Receives Walnut's webhooks in AWS Lambda, behind a function URL or an HTTP API (payload format 2.0).
import { Webhook } from "walnut-webhooks";
import { handler as receive } from "walnut-webhooks/fetch";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const respond = receive(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
});

export async function handler({ body = "", headers, isBase64Encoded, rawPath, requestContext }) {
  const request = new Request(`https://${requestContext.domainName}${rawPath}`, {
    method: "POST",
    headers,
    body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
  });
  const response = await respond(request);
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}
