// The adapter for Hono, in a real Hono on Node.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { handler } from "walnut-webhooks/hono";
import { adapterSuite } from "./adapters.mjs";
import { begin, deferred, ID, listening, post, sample, signature, webhook } from "./requests.mjs";

function serve(webhook, onDelivery, options) {
  const app = new Hono();
  app.post("/webhook", handler(webhook, onDelivery, options));
  return createAdaptorServer({ fetch: app.fetch });
}

adapterSuite("Hono", serve);

test("Hono: onDelivery has Hono's context besides the request", async () => {
  const app = new Hono();
  app.use(async (context, next) => {
    context.set("tenant", "acme");
    await next();
  });
  let taken;
  app.post("/webhook", handler(webhook, (delivery, { context, request }) => {
    taken = [delivery.id, context.get("tenant"), request === context.req.raw];
  }));
  const headers = { "x-walnut-signature": signature };
  const answer = await app.request("/webhook", { method: "POST", headers, body: sample });
  assert.deepEqual([answer.status, taken], [200, [ID, "acme", true]]);
});

test("Hono: a body that a middleware has read is told of, with what to do", async (t) => {
  for (const read of ["json", "text", "arrayBuffer"]) {
    const app = new Hono();
    app.use(async (context, next) => {
      await context.req[read]();
      await next();
    });
    app.post("/webhook", handler(webhook, () => {}, { onReject: () => {} }));
    const answer = await post(await listening(t, createAdaptorServer({ fetch: app.fetch })));
    assert.deepEqual([answer.status, answer.code], [500, "body_not_raw"]);
    assert.match(answer.message, /c\.req\.raw\.clone\(\)/);
  }
});

test("Hono: a request that breaks off reaches the app's onError", async (t) => {
  const failed = deferred();
  const app = new Hono();
  app.onError((error, context) => {
    failed.resolve(error);
    return context.text("", 500);
  });
  app.post("/webhook", handler(webhook, () => {}));
  const server = createAdaptorServer({ fetch: app.fetch });
  const arrived = once(server, "request");
  const socket = begin(t, await listening(t, server), signature, "{");
  await arrived;
  socket.destroy();
  assert.ok((await failed.promise) instanceof Error);
});
