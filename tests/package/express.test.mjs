// The Express adapter, in a real Express 4 and 5, behind every body parser that people put before it.
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
  function errors() {
    let take;
    const first = new Promise((resolve) => {
      take = (error, _request, response, _next) => {
        resolve(error);
        response.end();
      };
    });
    return { take, first };
  }

  const quiet = (_error, _request, response, _next) => response.end();
  adapterSuite(`Express ${version}`, (...args) => server(handler(...args), [], [quiet]));

  const parsers = {
    "no parser": [],
    "express.raw": [express.raw({ type: "*/*" })],
    "express.raw of another type, which reads nothing": [express.raw({ type: "text/html" })],
    "express.json of another type": [express.json({ type: "text/html" })],
    "express.json that keeps rawBody": [express.json({ verify: (it, _, bytes) => (it.rawBody = bytes) })],
    "Cloud Functions' rawBody": [express.json({ verify: (it, _, bytes) => (it.rawBody = Buffer.from(bytes)) })],
  };

  for (const [name, before] of Object.entries(parsers)) {
    test(`Express ${version}, after ${name}`, async (t) => {
      const seen = [];
      const onDelivery = async (delivery, { request }) => seen.push([delivery.id, request.path]);
      const url = await serve(t, handler(webhook, onDelivery), before);
      assert.equal((await post(url)).status, 200);
      assert.deepEqual(seen, [[ID, "/webhook"]]);
      const body = Buffer.from(sample.toString().replace("Demo", "demo"));
      assert.equal((await post(url, { body, header: signature })).code, "signature_mismatch");
      assert.equal(seen.length, 1);
    });
  }

  test(`Express ${version}, after express.json() and express.text(): told how to mend it`, async (t) => {
    for (const [parser, left] of [[express.json(), "what it parsed"], [express.text({ type: "*/*" }), "text"]]) {
      const rejected = [];
      const url = await serve(t, handler(webhook, () => {}, { onReject: (error) => rejected.push(error) }), [parser]);
      const { status, code, message } = await post(url);
      assert.deepEqual([status, code], [500, "body_not_raw"]);
      assert.ok(message.includes(`a body parser has read the request`), message);
      assert.ok(message.includes(`left ${left}.`), message);
      assert.ok(message.includes("request.rawBody = bytes"), message);
      assert.equal(rejected[0].code, "body_not_raw");
    }
  });

  test(`Express ${version}: a request that breaks off reaches the app's error handler, not ours`, async (t) => {
    const rejected = [];
    const { take, first } = errors();
    const route = handler(webhook, () => {}, { onReject: (error) => rejected.push(error) });
    const app = server(route, [], [take]);
    const url = await listening(t, app);
    const arrived = once(app, "request");
    const socket = begin(t, url, signature, "{");
    await arrived;
    socket.destroy();
    assert.equal((await first).code, "ECONNRESET");
    assert.deepEqual(rejected, []);
  });

  test(`Express ${version}: so does one that broke off before the handler had it`, async (t) => {
    const { take, first } = errors();
    const [arrived, told] = [deferred(), deferred()];
    const wait = (request, _, next) => {
      request.socket.once("close", () => setImmediate(next));
      arrived.resolve();
    };
    const route = handler(webhook, () => {}, { bodyTimeout: 50, onReject: told.resolve });
    const socket = begin(t, await serve(t, route, [wait], [take]), signature, "{");
    await arrived.promise;
    socket.destroy();
    const { code, message } = await Promise.race([first, told.promise]);
    assert.deepEqual([code, message], ["ECONNRESET", "the request broke off"]);
  });

  test(`Express ${version}: the middleware leaves the delivery and goes on`, async (t) => {
    const app = express();
    const rejected = [];
    const options = { bodyTimeout: 50, onReject: (error) => rejected.push(error.code) };
    app.post("/webhook", middleware(webhook, options), (it, response) => response.json({ id: it.delivery.id }));
    const url = await listening(t, createServer(app));
    const { status, id } = await post(url);
    assert.deepEqual([status, id], [200, ID]);
    assert.equal((await post(url, { header: null })).code, "missing_signature");
    const [answer] = await once(begin(t, url, signature, "{"), "data");
    assert.match(String(answer), /^HTTP\/1\.1 408 .*body_timeout/s);
    assert.deepEqual(rejected, ["missing_signature", "body_timeout"]);
  });

  test(`Express ${version}: a failing onReject leaves the answer as it is, for the error handler`, async (t) => {
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
