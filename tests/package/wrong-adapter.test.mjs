// An adapter in the wrong framework: the error names the right entry, and the sender gets no stack.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import express5 from "express";
import express4 from "express4";
import fastify from "fastify";
import { Hono } from "hono";
import { handler as onExpress } from "walnut-webhooks/express";
import { handler as onFetch } from "walnut-webhooks/fetch";
import { handler as onHono } from "walnut-webhooks/hono";
import { handler as onNode } from "walnut-webhooks/node";
import { listening, sample, signature, webhook } from "./requests.mjs";

/** Each makes a server with a route, and passes the errors of the route to `note`. */
const frameworks = {
  "Express 4": (route, note) => inExpress(express4, route, note),
  "Express 5": (route, note) => inExpress(express5, route, note),
  async Fastify(route, note) {
    const app = fastify();
    app.addHook("onError", async (_request, _reply, error) => note(error));
    app.post("/webhook", route);
    await app.ready();
    return app.server;
  },
  Hono(route, note) {
    const app = new Hono();
    app.onError((error, context) => {
      note(error);
      return context.text("failed", 500);
    });
    app.post("/webhook", route);
    return createAdaptorServer({ fetch: app.fetch });
  },
};

function inExpress(express, route, note) {
  const app = express();
  app.post("/webhook", route);
  app.use((error, _request, _response, next) => {
    note(error);
    next(error);
  });
  return createServer(app);
}

const wrong = [
  ["fetch", onFetch, ["Express 4", "Express 5", "Fastify", "Hono"]],
  ["hono", onHono, ["Express 4", "Express 5", "Fastify"]],
  ["express", onExpress, ["Fastify", "Hono"]],
  ["node", onNode, ["Fastify", "Hono"]],
];

for (const [adapter, handler, names] of wrong) {
  for (const name of names) {
    test(`walnut-webhooks/${adapter} in ${name}: names the right entry, and shows no stack to the sender`, async (t) => {
      t.mock.method(console, "error", () => {});
      const errors = [];
      const route = handler(webhook, () => assert.fail("unexpected"));
      const url = await listening(t, await frameworks[name](route, (error) => errors.push(error)));
      const headers = { "x-walnut-signature": signature, "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body: sample });
      const text = await response.text();
      assert.equal(response.status, 500);
      assert.ok(!text.includes(".js:") && !text.includes("node_modules"), text);
      const expected = new RegExp(`^walnut-webhooks/${adapter} expects .*, but was called with an? .*Import the entry of this framework: walnut-webhooks/express`);
      assert.deepEqual(errors.map((error) => [error.name, expected.test(error.message)]), [["TypeError", true]], String(errors[0]));
    });
  }
}
