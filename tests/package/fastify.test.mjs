// The adapter for Fastify, in a real Fastify.
import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { createGunzip, gzipSync } from "node:zlib";
import fastify from "fastify";
import { plugin } from "walnut-webhooks/fastify";
import { adapterSuite } from "./adapters.mjs";
import { begin, deferred, ID, listening, post, sample, signature, webhook } from "./requests.mjs";

async function serve(webhook, onDelivery, options) {
  const app = fastify();
  app.register(plugin(webhook, onDelivery, options));
  await app.ready();
  return app.server;
}

adapterSuite("Fastify", serve);

/** Starts an app that `prepare` can change, and returns the URL of its webhook. */
async function start(t, prepare, ...args) {
  const app = fastify();
  await prepare(app);
  app.register(plugin(...args));
  await app.ready();
  return { app, url: await listening(t, app.server) };
}

test("Fastify: does not change the app's parsers, and ignores its limit on bodies", async (t) => {
  const app = fastify({ bodyLimit: 10 });
  const own = (_request, body, parsed) => parsed(null, `own ${body}`);
  app.addContentTypeParser("application/json", { parseAs: "string" }, own);
  app.register(plugin(webhook, () => {}, { url: "/in" }), { prefix: "/hooks" });
  app.post("/webhook", async ({ body }) => ({ body }));
  await app.ready();
  const url = await listening(t, app.server);
  assert.equal((await post(url.replace("/webhook", "/hooks/in"))).status, 200);
  assert.equal((await post(url, { body: Buffer.from("{}") })).body, "own {}");
});

test("Fastify: accepts any content type, a missing one and an invalid one", async (t) => {
  let taken = 0;
  const { url } = await start(t, () => {}, webhook, () => taken++);
  for (const type of ["application/json", "text/plain", "a/b+json; charset=utf-8", "json", undefined]) {
    const headers = { "x-walnut-signature": signature, ...(type === undefined ? {} : { "content-type": type }) };
    assert.equal((await fetch(url, { method: "POST", headers, body: new Uint8Array(sample) })).status, 200);
  }
  assert.equal(taken, 5);
});

test("Fastify: passes Fastify's request to onDelivery", async (t) => {
  let taken;
  const prepare = (app) => app.decorateRequest("tenant", "acme");
  const onDelivery = ({ id }, { request }) => (taken = [id, request.tenant, request.url]);
  const { url } = await start(t, prepare, webhook, onDelivery);
  assert.equal((await post(url)).status, 200);
  assert.deepEqual(taken, [ID, "acme", "/webhook"]);
});

test("Fastify: explains how to keep a body that a hook has read, and uses one that a hook has kept", async (t) => {
  const read = async (payload) => {
    const pieces = [];
    for await (const piece of payload) pieces.push(piece);
    return Buffer.concat(pieces);
  };
  const drop = (app) => app.addHook("preParsing", async (_request, _reply, payload) => void (await read(payload)));
  const dropped = await start(t, drop, webhook, () => {}, { onReject: () => {} });
  const answer = await post(dropped.url);
  assert.deepEqual([answer.status, answer.code], [500, "body_not_raw"]);
  assert.match(answer.message, /preParsing.*Object\.assign\(request\.raw, \{ rawBody \}\)/);

  const keep = (app) =>
    app.addHook("preParsing", async ({ raw }, _reply, payload) => void (raw.rawBody = await read(payload)));
  const kept = await start(t, keep, webhook, () => {});
  assert.equal((await post(kept.url)).status, 200);
});

test("Fastify: a client that disconnects causes no log line, no error and no rejection", async (t) => {
  const unexpected = [];
  const app = fastify({ logger: { level: "warn", stream: { write: (line) => unexpected.push(line) } } });
  app.setErrorHandler((error, _request, reply) => {
    unexpected.push(error);
    reply.code(500).send();
  });
  const arrived = deferred();
  app.addHook("preHandler", async () => arrived.resolve());
  app.register(plugin(webhook, () => {}, { onReject: (error) => unexpected.push(error.code) }));
  await app.ready();
  const url = await listening(t, app.server);
  const connected = once(app.server, "connection");
  const socket = begin(t, url, signature, "{");
  await arrived.promise;
  const [serverSocket] = await connected;
  const gone = new Promise((resolve) => serverSocket.once("close", resolve));
  socket.destroy();
  await gone;
  assert.equal((await post(url, { header: null })).code, "missing_signature");
  assert.deepEqual(unexpected, ["missing_signature"]);
});

test("Fastify: reads the payload that a hook returns, and passes its errors to the app", async (t) => {
  const body = gzipSync(sample);
  const failed = [];
  const prepare = (app) => {
    app.addHook("preParsing", async ({ headers }, _reply, payload) => {
      if (headers.broken === undefined) return payload.pipe(createGunzip());
      const broken = new PassThrough();
      setImmediate(() => broken.destroy());
      return broken;
    });
    app.setErrorHandler((error, _request, reply) => {
      failed.push(error.code);
      reply.code(500).send();
    });
  };
  const { url } = await start(t, prepare, webhook, () => {});
  const send = (body, more) =>
    fetch(url, { method: "POST", headers: { "x-walnut-signature": signature, ...more }, body });
  assert.equal((await send(body)).status, 200);
  assert.equal((await send("no gzip")).status, 500);
  assert.equal((await send(body, { broken: "yes" })).status, 500);
  assert.deepEqual(failed, ["Z_DATA_ERROR", "ECONNRESET"]);
});

test("Fastify: ignores a payload that fails after its rejection", async (t) => {
  let payload;
  const prepare = (app) => app.addHook("preParsing", async () => (payload = new PassThrough()));
  const { url } = await start(t, prepare, webhook, () => {}, { bodyTimeout: 20 });
  assert.equal((await post(url)).code, "body_timeout");
  payload.destroy(new Error("too late"));
  await new Promise((resolve) => payload.once("close", resolve));
  assert.equal((await post(url, { header: null })).code, "missing_signature");
});

test("Fastify: accepts a request with neither a body nor a content type", async (t) => {
  const { url } = await start(t, () => {}, webhook, () => {});
  const answer = await fetch(url, { method: "POST", headers: { "x-walnut-signature": webhook.sign("") } });
  assert.equal((await answer.json()).error.code, "not_json");
});

test("Fastify: logs an error of onReject, and does not change the answer", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const onReject = () => Promise.reject(new Error("the log is full"));
  const { url } = await start(t, () => {}, webhook, () => {}, { onReject });
  assert.equal((await post(url, { header: null })).code, "missing_signature");
  assert.equal((await logged.promise).message, "the log is full");
});
