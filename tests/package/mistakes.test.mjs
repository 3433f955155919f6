// The mistakes that integrations are made with: each, made for real, leads to words that name it and its fix.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";
import { handler } from "walnut-webhooks/express";

const key = "the key shown in Walnut's settings";
const event = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"), "utf8");
const sign = (body, by = key) => createHmac("sha256", by).update(body).digest("hex");

/** What an integration hears that calls `verify`, and then asks why. */
function told(webhook, body, headers) {
  let said = "";
  try {
    webhook.verify(body, headers);
  } catch (error) {
    said = `${error.code}: ${error.message}`;
  }
  const { ok, code, cause, problem, fix } = explain(webhook, body, headers);
  assert.equal(ok, said === "", "an explanation accepts what a check does, and nothing else");
  if (!ok) assert.ok(said.startsWith(`${code}: `), `${said} is not explained by ${code}`);
  return `${said}\n${cause}: ${problem} ${fix}`;
}

/** Posts an event as Walnut does to a receiver, and says what that was told. */
async function received(t, app, { body = event, headers = { "x-walnut-signature": sign(event) } } = {}) {
  const server = createServer(app).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/webhook`;
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  return { status: answer.status, text: await answer.text() };
}

/** A receiver that makes the mistake of `change` before it checks. */
function mistaken({ webhook = new Webhook(key), change = (request) => [request.body, request.headers] }) {
  const app = express();
  app.post("/webhook", express.raw({ type: () => true }), (request, response) => {
    response.send(told(webhook, ...change(request)));
  });
  return app;
}

const mistakes = {
  "no raw body: a parser ran before": {
    app() {
      const app = express();
      app.use(express.json());
      app.post("/webhook", (request, response) => response.send(told(new Webhook(key), request.body, request.headers)));
      return app;
    },
    names: /^body_not_raw: .*an object: something has parsed the body already/,
    fix: /walnut-webhooks\/express/,
  },
  "no raw body: it was made text and bytes again": {
    change: (request) => [JSON.stringify(JSON.parse(request.body), null, "\t"), request.headers],
    names: /^body_reformatted: .*parsed and written again/m,
    fix: /bytes/,
  },
  "the wrong key": {
    webhook: new Webhook("another webhook's key"),
    names: /^signature_mismatch: .*Check that the key is the one/,
    fix: /^unknown: .*Walnut's settings/m,
  },
  "a key with a newline at its end": {
    webhook: new Webhook(`${key}\n`),
    names: /^key_whitespace: .*(newline|blank|whitespace)/im,
    fix: /exactly as Walnut's settings show it/,
  },
  "a key that was decoded": {
    send: { headers: { "x-walnut-signature": sign(event, "c2VjcmV0IGtleQ==") } },
    webhook: new Webhook("secret key"),
    names: /^key_decoded: .*base64/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a pretty-printed body": {
    change: (request) => [JSON.stringify(JSON.parse(request.body), null, 2), request.headers],
    names: /^body_reformatted: .*written again/m,
    fix: /bytes/,
  },
  "a proxy that parses and writes anew": {
    send: { body: event.replaceAll("Awesome", "\\u0041wesome"), headers: { "x-walnut-signature": sign(event) } },
    names: /^body_reformatted: .*written again/m,
    fix: /bytes/,
  },
  "an uppercase signature": {
    send: { headers: { "x-walnut-signature": sign(event).toUpperCase() } },
    names: /^malformed_signature: .*uppercase/,
    fix: /^signature_uppercase: .*lowercase/m,
  },
  "no signature, since a proxy drops the header": {
    send: { headers: {} },
    names: /^missing_signature: .*no X-Walnut-Signature/,
    fix: /find the proxy that (drops|removes) the header/,
  },
  "no signature, since signing is off": {
    send: { headers: {} },
    names: /^missing_signature: .*no X-Walnut-Signature/,
    fix: /switch signature verification on/i,
  },
  "a header of another name": {
    send: { headers: { "X-Signature": sign(event) } },
    names: /^other_header: .*x-signature/im,
    fix: /Read the signature from that header/,
  },
  "an old key that is no longer listed": {
    send: { headers: { "x-walnut-signature": sign(event, "the key before") } },
    names: /^signature_mismatch: .*Check that the key is the one/,
    fix: /^unknown: .*settings show now/m,
  },
  "an old key that is still in use": {
    send: { headers: { "x-walnut-signature": sign(event, "the key before") } },
    webhook: new Webhook([key, "the key before"]),
    names: /^previous_key: .*previous key/m,
    fix: /rotation|remove/i,
  },
};

for (const [mistake, { app, send, names, fix, ...how }] of Object.entries(mistakes)) {
  test(`the mistake is named, and its fix: ${mistake}`, async (t) => {
    const { status, text } = await received(t, app?.() ?? mistaken(how), send);
    assert.equal(status, 200, text);
    assert.match(text, names);
    assert.match(text, fix);
    assert.ok(!text.includes(sign(event)) && !text.includes(key), "no secret is told");
  });
}

test("the adapter's answer to the most frequent mistake says what to change", async (t) => {
  t.mock.method(console, "error", () => {});
  const app = express();
  app.use(express.json());
  app.post("/webhook", handler(new Webhook(key), () => {}));
  const { status, text } = await received(t, app);
  assert.equal(status, 500);
  assert.match(text, /body_not_raw.*Put this route before app\.use\(express\.json\(\)\)/);
});
