// The Express adapter in a real Express 4 and 5, after the body parsers that applications use.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import express5 from "express";
import express4 from "express4";
import { handler, middleware } from "walnut-webhooks/express";
import { adapterSuite } from "./adapters.mjs";
import { begin, deferred, ID, listening, post, sample, signature, webhook } from "./requests.mjs";

for (const [version, express] of [[4, express4], [5, express5]]) {
  const server = (route, before = [], after = []) => {
    const app = express();
    for (const parser of before) app.use(parser);
    app.post("/webhook", route);
    for (const errors of after) app.use(errors);
    return createServer(app);
  };
  /** Starts an app with a route at /webhook; returns its URL. */
  const serve = (t, ...parts) => listening(t, server(...parts));
  /** An error handler of Express, and a promise of the first error that it gets. */
  function errors(note = () => {}) {
    let take;
    const first = new Promise((resolve) => {
      take = (error, _request, response, _next) => {
        note(error);
        resolve(error);
        response.end();
      };
    });
    return { take, first };
  }

  const ignoreErrors = (_error, _request, response, _next) => response.end();
  adapterSuite(`Express ${version}`, (...args) => server(handler(...args), [], [ignoreErrors]));

  const keep = (toKept) => [express.json({ verify: (it, _, bytes) => (it.rawBody = toKept(bytes)) })];
  const pause = (request, _response, next) => {
    request.pause();
    next();
  };
  const parsers = {
    "no parser": [],
    "express.raw": [express.raw({ type: "*/*" })],
    "express.raw of another type, which reads nothing": [express.raw({ type: "text/html" })],
    "express.text": [express.text({ type: "*/*" })],
    "express.json of another type": [express.json({ type: "text/html" })],
    "express.json that keeps rawBody": keep((bytes) => bytes),
    "express.json that keeps rawBody as a string": keep(String),
    "express.json that keeps rawBody as a Uint8Array": keep((bytes) => new Uint8Array(bytes)),
    "express.json that keeps rawBody as an ArrayBuffer": keep((bytes) => new Uint8Array(bytes).buffer),
    "a middleware that pauses the request": [pause],
    "the middleware of this package, twice": [middleware(webhook), middleware(webhook)],
  };

  for (const [name, before] of Object.entries(parsers)) {
    test(`Express ${version}: verifies the raw body after ${name}`, async (t) => {
      const handled = [];
      const onDelivery = async (delivery, { request }) => handled.push([delivery.id, request.path]);
      const url = await serve(t, handler(webhook, onDelivery, { onReject() {} }), before);
      assert.equal((await post(url)).status, 200);
      assert.deepEqual(handled, [[ID, "/webhook"]]);
      const body = Buffer.from(sample.toString().replace("Demo", "demo"));
      assert.equal((await post(url, { body, header: signature })).code, "signature_mismatch");
      assert.equal(handled.length, 1);
    });
  }

  test(`Express ${version}: verifies an empty body after any parser`, async (t) => {
    const body = Buffer.alloc(0);
    for (const before of [[], [express.json()], [express.raw({ type: "*/*" })], [express.text({ type: "*/*" })]]) {
      const url = await serve(t, handler(webhook, () => {}, { onReject() {} }), before);
      for (const chunked of [false, true]) {
        assert.equal((await post(url, { body, chunked })).code, "not_json");
        assert.equal((await post(url, { body, chunked, header: signature })).code, "signature_mismatch");
      }
    }
  });

  test(`Express ${version}: logs at most one body that is not raw per minute, because anyone can send such requests`, async (t) => {
    const lines = [];
    t.mock.method(console, "warn", (line) => lines.push(line));
    const url = await serve(t, handler(webhook, () => {}), [express.json()]);
    for (let count = 0; count < 3; count++) assert.equal((await post(url)).code, "body_not_raw");
    assert.equal(lines.length, 1);
    assert.match(lines[0], /rejected a request: body_not_raw\. .*Object\.assign\(request, \{ rawBody \}\)/);
  });

  test(`Express ${version}: explains how to keep the raw body after express.json()`, async (t) => {
    const rejected = [];
    const onReject = async (error, { explain }) => rejected.push(error.code, (await explain()).cause);
    const url = await serve(t, handler(webhook, () => {}, { onReject }), [express.json()]);
    const { status, code, message } = await post(url);
    assert.deepEqual([status, code], [500, "body_not_raw"]);
    assert.match(message, /a body parser has read the request .*, and kept only the parsed value\. .*Object\.assign\(request, \{ rawBody \}\)/);
    assert.deepEqual(rejected, ["body_not_raw", "body_not_raw"]);
  });

  test(`Express ${version}: a client that disconnects causes no log line, no error and no rejection`, async (t) => {
    const logged = t.mock.method(console, "error", () => {});
    const unexpected = [];
    const options = { onReject: (error) => unexpected.push(error) };
    const { take } = errors((error) => unexpected.push(error));
    const late = deferred();
    const wait = (request, _, next) => {
      if (request.headers["content-length"] !== "801") return next();
      request.socket.once("close", () => setImmediate(next));
      late.resolve();
    };
    for (const route of [handler(webhook, () => {}, options), middleware(webhook, options)]) {
      const app = server(route, [wait], [take]);
      const url = await listening(t, app);
      for (const [length, arrived] of [[800, () => once(app, "request")], [801, () => late.promise]]) {
        const hasArrived = arrived();
        const connected = once(app, "connection");
        const socket = begin(t, url, signature, "{", `Content-Length: ${length}`);
        await hasArrived;
        const [serverSocket] = await connected;
        const gone = new Promise((resolve) => serverSocket.once("close", resolve));
        socket.destroy();
        await gone;
      }
      assert.equal((await post(url, { header: null })).code, "missing_signature");
      assert.deepEqual(unexpected.splice(0).map(({ code }) => code), ["missing_signature"]);
    }
    assert.equal(logged.mock.callCount(), 0);
  });

  test(`Express ${version}: names the missing call if handler itself is the route, and shows no stack to the sender`, async (t) => {
    for (const [route, call] of [[handler, "handler(webhook, onDelivery)"], [middleware, "middleware(webhook)"]]) {
      const logged = deferred();
      t.mock.method(console, "error", logged.resolve);
      const response = await fetch(await serve(t, route), { method: "POST", body: sample, headers: { "x-walnut-signature": signature } });
      const text = await response.text();
      assert.equal(response.status, 500);
      assert.ok(text.includes(`without being called. Write ${call}.`), text);
      assert.ok(!text.includes("node_modules") && !text.includes(" at "), text);
      assert.match(String(await logged.promise), /without being called/);
    }
  });

  test(`Express ${version}: the middleware sets the delivery and the raw body, and calls the next handler`, async (t) => {
    const app = express();
    const rejected = [];
    const options = { bodyTimeout: 50, onReject: (error) => rejected.push(error.code) };
    app.post("/webhook", middleware(webhook, options), (it, response) => response.json({ id: it.delivery.id, raw: String(it.rawBody) }));
    const url = await listening(t, createServer(app));
    const { status, id, raw } = await post(url);
    assert.deepEqual([status, id, raw], [200, ID, sample.toString()]);
    assert.equal((await post(url, { header: null })).code, "missing_signature");
    const [answer] = await once(begin(t, url, signature, "{"), "data");
    assert.match(String(answer), /^HTTP\/1\.1 408 .*body_timeout/s);
    assert.deepEqual(rejected, ["missing_signature", "body_timeout"]);
  });

  test(`Express ${version}: passes an error of onReject to the error handler, and does not change the response`, async (t) => {
    const failures = [
      () => {
        throw new Error("at once");
      },
      async () => {
        throw new Error("later");
      },
    ];
    for (const onReject of failures) {
      const { take, first } = errors();
      const url = await serve(t, handler(webhook, () => {}, { onReject }), [], [take]);
      const { status, code } = await post(url, { header: null });
      assert.deepEqual([status, code], [401, "missing_signature"]);
      assert.match((await first).message, /at once|later/);
    }
  });
}
