// The adapter for Request and Response: behind two bridges to node:http, and called directly.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";
import { adapterSuite } from "./adapters.mjs";
import { ID, sample, signature, webhook } from "./requests.mjs";

function bridge(webhook, onDelivery, options) {
  const handle = handler(webhook, onDelivery, options);
  return createServer(async (incoming, outgoing) => {
    const headers = new Headers();
    for (const [name, values] of Object.entries(incoming.headersDistinct)) {
      for (const value of values) headers.append(name, value);
    }
    const init = { method: incoming.method, headers, body: Readable.toWeb(incoming), duplex: "half" };
    try {
      const response = await handle(new Request(`http://localhost${incoming.url}`, init));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
    } catch (error) {
      outgoing.destroy(error);
    }
  });
}

adapterSuite("fetch, Node's own Request", bridge);
adapterSuite("fetch, @hono/node-server's Request", (...args) => createAdaptorServer({ fetch: handler(...args) }));

const headers = { "x-walnut-signature": signature };
const request = (init = { body: sample, headers }) => new Request("http://a/webhook", { method: "POST", ...init });
const code = async (response) => (await response.json()).error?.code;

test("fetch: accepts a Request with bytes, a string or nothing, as AWS Lambda makes it", async () => {
  const taken = [];
  const handle = handler(webhook, ({ id }) => taken.push(id));
  for (const body of [sample, sample.toString()]) {
    const response = await handle(request({ body, headers }));
    assert.deepEqual([response.status, response.headers.get("connection")], [200, null]);
  }
  assert.deepEqual(taken, [ID, ID]);
  assert.equal(await code(await handle(request({}))), "missing_signature");
  assert.equal(await code(await handle(request({ headers: { "x-walnut-signature": webhook.sign("") } }))), "not_json");
});

test("fetch, by require: explains a rejection", async () => {
  const require = createRequire(import.meta.url);
  const causes = [];
  const onReject = async (_error, { explain }) => causes.push((await explain()).cause);
  const handle = require("walnut-webhooks/fetch").handler(new (require("walnut-webhooks").Webhook)("key\n"), () => {}, { onReject });
  assert.equal((await handle(request())).status, 401);
  assert.deepEqual(causes, ["key_whitespace"]);
});

test("fetch: treats an error Response from onDelivery as a failure, and ignores a successful one", async () => {
  const rejected = [];
  const onReject = (error) => rejected.push([error.code, error.cause.message]);
  const send = async (status) => (await handler(webhook, () => new Response("", { status }), { onReject })(request())).status;
  assert.deepEqual([await send(200), await send(204), await send(500), await send(404)], [200, 200, 500, 500]);
  assert.deepEqual(rejected, [500, 404].map((status) => ["handler_failed", `onDelivery returned a Response with the status ${status}`]));
});

test("fetch: answers 405 to any method but POST, and 404 to any other path than `path`", async () => {
  const rejected = [];
  const onReject = ({ code }, { request }) => rejected.push([code, request.method]);
  const send = async (handle, method, url) => {
    const response = await handle(new Request(url, { method, headers, ...(method !== "GET" && { body: sample }) }));
    return [response.status, response.headers.get("allow"), await code(response)];
  };
  const anywhere = handler(webhook, () => {}, { onReject });
  for (const method of ["GET", "PUT"]) assert.deepEqual(await send(anywhere, method, "http://a/"), [405, "POST", "method_not_allowed"]);
  assert.deepEqual(await send(anywhere, "POST", "http://a/any/path"), [200, null, undefined]);
  assert.deepEqual(rejected, [["method_not_allowed", "GET"], ["method_not_allowed", "PUT"]]);
  const there = handler(webhook, () => {}, { path: "/webhook", onReject });
  for (const path of ["/webhook", "/webhook?a=b", "/x/../webhook"]) assert.deepEqual(await send(there, "POST", `http://a${path}`), [200, null, undefined]);
  for (const path of ["/", "/webhook/", "/webhooks", "/Webhook"]) assert.deepEqual(await send(there, "POST", `http://a${path}`), [404, null, "not_found"]);
  const { error } = await (await there(new Request("http://a/elsewhere", { method: "POST" }))).json();
  assert.equal(error.message, 'The path of the request is not "/webhook". Correct the webhook\'s URL in Walnut\'s settings, or the path option.');
  const refused = await (await there(new Request("http://a/webhook"))).json();
  assert.equal(refused.error.message, "Webhooks are sent with POST. Send a POST request.");
  assert.throws(() => handler(webhook, () => {}, { path: "webhook" }), /^TypeError: path must be a path such as "\/webhook", but is "webhook"\./);
});

test("fetch: explains how to keep a body that was read, is being read or was decoded", async () => {
  const handle = handler(webhook, () => {}, { onReject: () => {} });
  const [read, locked] = [request(), request()];
  await read.json();
  locked.body.getReader();
  const strings = new ReadableStream({
    start(controller) {
      controller.enqueue(sample.toString());
      controller.close();
    },
  });
  const decoded = request({ body: strings, headers, duplex: "half" });
  const [gone, text] = [/request\.clone\(\)/, /set to produce text/];
  for (const [used, hint] of [[read, gone], [locked, gone], [decoded, text]]) {
    const response = await handle(used);
    const { error } = await response.json();
    assert.deepEqual([response.status, error.code], [500, "body_not_raw"]);
    assert.match(error.message, hint);
  }
});

test("fetch: releases a stream that it rejects, and throws the error of a stream that fails", async () => {
  const small = handler(new Webhook("key", { maxBodyBytes: 10 }), () => {});
  let cancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(11)),
    cancel: () => (cancelled = true),
  });
  const response = await small(request({ body: endless, headers, duplex: "half" }));
  assert.deepEqual([response.status, response.headers.get("connection")], [413, "close"]);
  assert.deepEqual([endless.locked, cancelled], [false, false]);

  const failing = new ReadableStream({ pull: (controller) => controller.error(new Error("broke off")) });
  await assert.rejects(small(request({ body: failing, headers, duplex: "half" })), /broke off/);
});

test("fetch: releases a stream that takes too long", async () => {
  const handle = handler(webhook, () => {}, { bodyTimeout: 20 });
  let cancelled = false;
  const slow = new ReadableStream({ cancel: () => (cancelled = true) });
  const response = await handle(request({ body: slow, headers, duplex: "half" }));
  assert.deepEqual([response.status, await code(response)], [408, "body_timeout"]);
  assert.deepEqual([slow.locked, cancelled], [false, false]);
});

test("fetch: awaits onReject, logs its error, and does not change the answer", async (t) => {
  const logged = t.mock.method(console, "error", () => {});
  const onReject = async () => {
    await new Promise(setImmediate);
    throw new Error("the log is full");
  };
  const response = await handler(webhook, () => {}, { onReject })(request({}));
  assert.deepEqual([response.status, await code(response)], [401, "missing_signature"]);
  assert.equal(logged.mock.calls[0].arguments[0].message, "the log is full");
});

test("fetch: answers after 1 second if onReject hangs", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const logged = t.mock.method(console, "error", () => {});
  let resolveCalled;
  const called = new Promise((resolve) => (resolveCalled = resolve));
  const onReject = () => {
    resolveCalled();
    return new Promise(() => {});
  };
  const answer = handler(webhook, () => {}, { onReject })(request({}));
  await called;
  t.mock.timers.tick(1000);
  assert.equal((await answer).status, 401);
  assert.match(logged.mock.calls[0].arguments[0].message, /onReject took over 1000 ms/);
});

test("fetch: throws an error of the body that only looks like an error of this package", async () => {
  for (const its of [{ name: "WebhookError", status: 200 }, { name: "WebhookError" }, { status: 404 }]) {
    const body = new ReadableStream({ pull: (controller) => controller.error(Object.assign(new Error("no"), its)) });
    await assert.rejects(handler(webhook, () => {})(request({ body, headers, duplex: "half" })), /no/);
  }
});

test("fetch: doubles the buffer of a body, up to its limit", async (t) => {
  const { Uint8Array } = globalThis;
  const lengths = [];
  t.after(() => (globalThis.Uint8Array = Uint8Array));
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct(target, args) {
      if (typeof args[0] === "number") lengths.push(args[0]);
      return Reflect.construct(target, args);
    },
  });
  const limit = 1000;
  const whole = Buffer.from("{}".padEnd(limit));
  const pieces = [[0, 300], [300, 301], [301, 600], [600, 1000]].map((range) => whole.subarray(...range));
  const strict = new Webhook("key", { maxBodyBytes: limit });
  const body = new ReadableStream({
    pull: (controller) => (pieces.length > 0 ? controller.enqueue(pieces.shift()) : controller.close()),
  });
  const response = await handler(strict, () => {})(
    request({ body, duplex: "half", headers: { "x-walnut-signature": strict.sign(whole) } }),
  );
  assert.deepEqual(await response.json(), { ok: true });
  assert.deepEqual(lengths.filter((length) => length >= 300), [300, 600, limit]);
});
