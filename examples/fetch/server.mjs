// Receives Walnut's webhooks in Bun, Deno and Cloudflare Workers, where a server is `fetch`:
//   WALNUT_WEBHOOK_KEY=... bun server.mjs
//   WALNUT_WEBHOOK_KEY=... deno serve --allow-env --host 127.0.0.1 server.mjs
//   npx wrangler dev --var WALNUT_WEBHOOK_KEY:...
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const receive = handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
}, { path: "/webhook" });

export default {
  hostname: "127.0.0.1", // for Bun
  fetch: (request) => receive(request),
};
