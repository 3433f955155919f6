// The Express adapter, in a real Express 4 and 5, behind every body parser that people put before it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import express5 from "express";
import express4 from "express4";
import { Webhook } from "walnut-webhooks";
import { handler, middleware } from "walnut-webhooks/express";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
const webhook = new Webhook("key");
const signed = { "x-walnut-signature": webhook.sign(sample) };

async function post(url, headers = signed, body = sample) {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  const text = await response.text();
  return { status: response.status, ...(text.startsWith("{") ? JSON.parse(text) : { text }) };
}

for (const [version, express] of [[4, express4], [5, express5]]) {
  /** Starts an app with a route at /webhook; returns its URL. */
  async function serve(t, route, before = []) {
    const app = express();
    for (const parser of before) app.use(parser);
    app.post("/webhook", route);
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    return `http://127.0.0.1:${server.address().port}/webhook`;
  }

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
      const url = await serve(t, handler(webhook, async (delivery, { path }) => seen.push([delivery.id, path])), before);
      assert.deepEqual(await post(url), { status: 200, ok: true });
      assert.deepEqual(seen, [[ID, "/webhook"]]);
      const forged = await post(url, signed, sample.toString().replace("Demo", "demo"));
      assert.deepEqual([forged.status, forged.error.code], [401, "signature_mismatch"]);
      assert.equal(seen.length, 1);
    });
  }

  test(`Express ${version}, after express.json() and express.text(): told how to mend it`, async (t) => {
    for (const [parser, named] of [[express.json(), "express.json()"], [express.text({ type: "*/*" }), "express.text()"]]) {
      const rejected = [];
      const url = await serve(t, handler(webhook, () => {}, { onReject: (error) => rejected.push(error) }), [parser]);
      const { status, error } = await post(url);
      assert.deepEqual([status, error.code], [500, "body_not_raw"]);
      assert.ok(error.message.includes(named), error.message);
      assert.ok(error.message.includes("request.rawBody = bytes"), error.message);
      assert.equal(rejected[0].code, "body_not_raw");
    }
  });

  test(`Express ${version}: 200 only after the handler, 500 when it fails`, async (t) => {
    let release;
    const released = new Promise((resolve) => (release = resolve));
    const url = await serve(t, handler(webhook, () => released));
    let answered = false;
    const answer = post(url).then((it) => ((answered = true), it));
    // Another request goes all the way there and back meanwhile.
    assert.equal((await post(url, {})).status, 401);
    assert.equal(answered, false);
    release();
    assert.equal((await answer).status, 200);

    const rejected = [];
    const fail = () => {
      throw new Error("the database's password is wrong");
    };
    const failing = await serve(t, handler(webhook, fail, { onReject: (error) => rejected.push(error) }));
    const { status, error } = await post(failing);
    assert.deepEqual([status, error.code], [500, "handler_failed"]);
    assert.ok(!error.message.includes("password"));
    assert.equal(rejected[0].cause.message, "the database's password is wrong");
  });

  test(`Express ${version}: an error of the handler's own is never passed off as ours`, async (t) => {
    const fail = () => {
      throw Object.assign(new Error("GET https://crm.example/?token=secret"), { code: "ERR_BAD_REQUEST", status: 404 });
    };
    const answer = await post(await serve(t, handler(webhook, fail)));
    assert.deepEqual([answer.status, answer.error.code], [500, "handler_failed"]);
    assert.ok(!JSON.stringify(answer).includes("secret"));
  });

  test(`Express ${version}: a request that breaks off reaches the app's error handler, not ours`, async (t) => {
    const app = express();
    const rejected = [];
    app.post("/webhook", handler(webhook, () => {}, { onReject: (error) => rejected.push(error) }));
    const failed = new Promise((resolve) => {
      app.use((error, _request, response, _next) => {
        resolve(error);
        response.end();
      });
    });
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const socket = connect(server.address().port, "127.0.0.1");
    const arrived = once(server, "request");
    socket.write(`POST /webhook HTTP/1.1\r\nHost: a\r\nX-Walnut-Signature: ${webhook.sign(sample)}\r\nContent-Length: 851\r\n\r\n{`);
    await arrived;
    socket.destroy();
    assert.equal((await failed).code, "ECONNRESET");
    assert.deepEqual(rejected, []);
  });

  test(`Express ${version}: the middleware leaves the delivery and goes on`, async (t) => {
    const app = express();
    app.post("/webhook", middleware(webhook), (it, response) => response.json({ id: it.delivery.id }));
    const server = app.listen(0, "127.0.0.1");
    await once(server, "listening");
    t.after(() => server.close());
    const url = `http://127.0.0.1:${server.address().port}/webhook`;
    assert.deepEqual(await post(url), { status: 200, id: ID });
    assert.equal((await post(url, {})).error.code, "missing_signature");
  });

  test(`Express ${version}: the limit has two sides, declared or not, and what is unsigned is not read`, async (t) => {
    const small = new Webhook("key", { maxBodyBytes: sample.length });
    const url = await serve(t, handler(small, () => {}));
    const over = Buffer.concat([sample, Buffer.from(" ")]);
    assert.equal((await post(url)).status, 200);
    const refused = await post(url, { "x-walnut-signature": small.sign(over) }, over);
    assert.deepEqual([refused.status, refused.error.code], [413, "body_too_large"]);

    const chunked = (body) =>
      new Promise((resolve, reject) => {
        const headers = { "x-walnut-signature": small.sign(body), "transfer-encoding": "chunked" };
        request(url, { method: "POST", headers, agent: false }, (response) => resolve(response.resume().statusCode))
          .on("error", reject)
          .end(body);
      });
    assert.equal(await chunked(sample), 200);
    assert.equal(await chunked(over), 413);

    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 800\r\n\r\nthe rest never comes");
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 401 .*connection: close.*missing_signature/is);
    socket.destroy();
  });

  test(`Express ${version}: an onReject that fails leaves the answer as it is`, async (t) => {
    const failures = [
      () => {
        throw new Error("at once");
      },
      async () => {
        throw new Error("later");
      },
    ];
    for (const onReject of failures) {
      const app = express();
      app.post("/webhook", handler(webhook, () => {}, { onReject }));
      const failed = new Promise((resolve) => app.use((error, _request, _response, _next) => resolve(error)));
      const server = app.listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const answer = await post(`http://127.0.0.1:${server.address().port}/webhook`, {});
      assert.deepEqual([answer.status, answer.error.code], [401, "missing_signature"]);
      assert.match((await failed).message, /at once|later/);
    }
  });

  test(`Express ${version}: a failure of the handler is logged, a forgery is not, unless onReject says otherwise`, async (t) => {
    const logged = t.mock.method(console, "error", () => {});
    const cause = new Error("no database");
    const url = await serve(t, handler(webhook, () => Promise.reject(cause)));
    await post(url, {});
    assert.equal(logged.mock.callCount(), 0);
    await post(url);
    assert.equal(logged.mock.calls[0].arguments[0].cause, cause);
  });

  test(`Express ${version}: an endless body is answered 413, not read on`, { timeout: 20_000 }, async (t) => {
    const url = await serve(t, handler(webhook, () => {}));
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    t.after(() => socket.destroy());
    const head = `POST /webhook HTTP/1.1\r\nHost: a\r\nX-Walnut-Signature: ${"0".repeat(64)}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const length = webhook.maxBodyBytes + 1;
    socket.write(`${head}${length.toString(16)}\r\n${"x".repeat(length)}`); // and the end never comes
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 413 .*body_too_large/s);
  });

  test(`Express ${version}: every vector that travels over HTTP`, async (t) => {
    let taken;
    let current;
    const route = (it, response, next) => handler(current, (delivery) => (taken = delivery))(it, response, next);
    const url = await serve(t, route);
    for (const { name, keys, body, header, maxBodyBytes, via, expected } of read(vectors)) {
      if (!via.includes("http")) continue;
      current = new Webhook(keys, maxBodyBytes === undefined ? {} : { maxBodyBytes });
      taken = undefined;
      const answer = await new Promise((resolve, reject) => {
        const headers = { "content-length": body.length, ...(header === null ? {} : { "X-Walnut-Signature": header }) };
        const sent = request(url, { method: "POST", headers, agent: false }, async (response) => {
          const pieces = [];
          for await (const piece of response) pieces.push(piece);
          resolve({ status: response.statusCode, ...JSON.parse(Buffer.concat(pieces)) });
        });
        sent.on("error", reject).end(body);
      });
      const { code, id, type } = expected("http");
      assert.equal(answer.error?.code, code, name);
      if (code === undefined) assert.deepEqual([taken.id, taken.type], [id, type], name);
    }
  });
}
