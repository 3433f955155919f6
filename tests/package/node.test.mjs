// The adapter for node:http, on its own.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { handler } from "walnut-webhooks/node";
import { adapterSuite } from "./adapters.mjs";
import { begin, deferred, ID, listening, post, signature, webhook } from "./requests.mjs";

adapterSuite("node:http", (...args) => createServer(handler(...args)));

/** Serves requests that `first` has its way with before the handler gets them. */
function serve(t, first, handle) {
  const server = createServer(async (request, response) => {
    await first(request);
    handle(request, response);
  });
  return listening(t, server);
}

async function readAll(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

const rejects = () => {
  const told = [];
  return { told, onReject: (error) => told.push(error.code) };
};

test("node:http: bytes that were kept are used, a body that is gone is told of", async (t) => {
  const taken = [];
  const { told, onReject } = rejects();
  const handle = handler(webhook, ({ id }) => taken.push(id), { onReject });
  const keep = async (request) => (request.rawBody = await readAll(request));
  assert.equal((await post(await serve(t, keep, handle))).status, 200);
  assert.deepEqual(taken, [ID]);

  const parse = async (request) => (request.body = JSON.parse(await readAll(request)));
  const parsed = await post(await serve(t, parse, handle));
  assert.deepEqual([parsed.status, parsed.code], [500, "body_not_raw"]);
  assert.match(parsed.message, /a body parser has read .* left what it parsed.*koa-bodyparser.*bodyParser: false/s);
  const drop = (request) => readAll(request);
  assert.match((await post(await serve(t, drop, handle))).message, /something has read the request/);
  const decode = (request) => void request.setEncoding("utf8");
  assert.match((await post(await serve(t, decode, handle))).message, /set to give text/);
  assert.deepEqual(told, ["body_not_raw", "body_not_raw", "body_not_raw"]);
});

test("node:http: an onReject that fails is logged, and the answer stays as it is", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const onReject = () => Promise.reject(new Error("the log is full"));
  const url = await listening(t, createServer(handler(webhook, () => {}, { onReject })));
  assert.equal((await post(url, { header: null })).code, "missing_signature");
  assert.equal((await logged.promise).message, "the log is full");
});

test("node:http: who breaks off before the handler has the request is not waited for", async (t) => {
  const [arrived, gone, over] = [deferred(), deferred(), deferred()];
  const logged = t.mock.method(console, "error", () => {});
  const { told, onReject } = rejects();
  const handle = handler(webhook, () => {}, { onReject });
  const server = createServer(async (request, response) => {
    request.socket.once("close", gone.resolve);
    arrived.resolve();
    await gone.promise;
    await new Promise(setImmediate);
    handle(request, response);
    setImmediate(over.resolve);
  });
  const socket = begin(t, await listening(t, server), signature, "{");
  await arrived.promise;
  socket.destroy();
  await over.promise;
  assert.deepEqual([told, logged.mock.callCount()], [[], 0]);
});

test("node:http: what is no refusal is logged, and answered 500", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const broken = {
    precheck: () => {},
    verify: () => {
      throw new TypeError("not a refusal");
    },
  };
  const url = await listening(t, createServer(handler(broken, () => {})));
  assert.equal((await fetch(url, { method: "POST", body: "{}" })).status, 500);
  assert.equal((await logged.promise).message, "not a refusal");
});
