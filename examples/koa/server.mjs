// Receives Walnut's webhooks in Koa:  WALNUT_WEBHOOK_KEY=... node server.mjs
import Koa from "koa";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const receive = handler(webhook, async (delivery) => {
  console.log(delivery.type, delivery.id);
});

const app = new Koa();

// Put this before any body parser, because the signature covers the raw bytes.
app.use((ctx, next) => {
  if (ctx.method !== "POST" || ctx.path !== "/webhook") return next();
  ctx.respond = false;
  receive(ctx.req, ctx.res);
});

const server = app.listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
