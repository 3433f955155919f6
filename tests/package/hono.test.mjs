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

test("Hono: passes Hono's context and the request to onDelivery", async () => {
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

/** Serves the handler behind a middleware that reads the body by a method of `c.req`. */
function servedAfter(t, read, onDelivery) {
  const app = new Hono();
  app.use(async (context, next) => {
    await context.req[read]();
    await next();
  });
  app.post("/webhook", handler(webhook, onDelivery, { onReject: () => {} }));
  return listening(t, createAdaptorServer({ fetch: app.fetch }));
}

test("Hono: verifies the bytes that arrived after c.req.arrayBuffer(), bytes() and blob()", async (t) => {
  // The body has a byte that is not UTF-8, so no string can represent it.
  const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  for (const read of ["arrayBuffer", "bytes", "blob"]) {
    const taken = [];
    const url = await servedAfter(t, read, ({ id }) => taken.push(id));
    assert.equal((await post(url)).status, 200);
    assert.deepEqual(taken, [ID]);
    assert.equal((await post(url, { header: "0".repeat(64) })).code, "signature_mismatch");
    assert.equal((await post(url, { body })).code, "not_json");
  }
});

test("Hono: explains how to keep the raw body after a method that does not keep it", async (t) => {
  for (const read of ["json", "text"]) {
    const answer = await post(await servedAfter(t, read, () => {}));
    assert.deepEqual([answer.status, answer.code], [500, "body_not_raw"]);
    assert.match(answer.message, /c\.req\.json\(\), text\(\), .* c\.req\.arrayBuffer\(\)/);
  }
});

test("Hono: a client that disconnects causes no log line, no error and no rejection", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const unexpected = [];
  const app = new Hono();
  app.onError((error, context) => {
    unexpected.push(error);
    return context.text("", 500);
  });
  const handled = deferred();
  const route = handler(webhook, () => {}, { onReject: (error) => unexpected.push(error) });
  app.post("/webhook", async (context) => {
    const response = await route(context);
    handled.resolve(response.status);
    return response;
  });
  const server = createAdaptorServer({ fetch: app.fetch });
  const arrived = once(server, "request");
  const socket = begin(t, await listening(t, server), signature, "{");
  await arrived;
  socket.destroy();
  assert.equal(await handled.promise, 400);
  assert.deepEqual([unexpected, logged.mock.callCount()], [[], 0]);
});
