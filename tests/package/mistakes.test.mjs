// The mistakes of integrations: for each, `explain` names the mistake and its fix.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import express from "express";
import { Webhook } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";
import { handler } from "walnut-webhooks/express";

const key = "the key shown in Walnut's settings";
const event = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"), "utf8");
const sign = (body, by = key) => createHmac("sha256", by).update(body).digest("hex");

/** Returns the messages that an integration gets from `verify` and then `explain`. */
function explained(webhook, body, headers) {
  let rejection = "";
  try {
    webhook.verify(body, headers);
  } catch (error) {
    rejection = `${error.code}: ${error.message}`;
  }
  const { ok, code, cause, problem, fix } = explain(webhook, body, headers);
  assert.equal(ok, rejection === "", "explain and verify have the same verdict");
  if (!ok) assert.ok(rejection.startsWith(`${code}: `), `${rejection} is not explained by ${code}`);
  return `${rejection}\n${cause}: ${problem} ${fix}`;
}

/** Posts an event to a receiver as Walnut does, and returns the response. */
async function received(t, app, { body = event, headers = { "x-walnut-signature": sign(event) } } = {}) {
  const server = createServer(app).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${server.address().port}/webhook`;
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body });
  return { status: answer.status, text: await answer.text() };
}

/** Makes a receiver that has the mistake of `change` before it verifies. */
function mistaken({ webhook = new Webhook(key), change = (request) => [request.body, request.headers] }) {
  const app = express();
  app.post("/webhook", express.raw({ type: () => true }), (request, response) => {
    response.send(explained(webhook, ...change(request)));
  });
  return app;
}

const mistakes = {
  "no raw body: a parser ran before": {
    app() {
      const app = express();
      app.use(express.json());
      app.post("/webhook", (request, response) => response.send(explained(new Webhook(key), request.body, request.headers)));
      return app;
    },
    names: /^body_not_raw: .*an object: something has parsed the body already/,
    fix: /walnut-webhooks\/express/,
  },
  "no raw body: it was converted to text and back": {
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
  "a proxy that parses and rewrites JSON": {
    send: { body: event.replaceAll("Awesome", "\\u0041wesome"), headers: { "x-walnut-signature": sign(event) } },
    names: /^body_reformatted: .*written again/m,
    fix: /bytes/,
  },
  "a proxy that rewrites JSON from PHP": {
    send: { body: event, headers: { "x-walnut-signature": sign(event.replaceAll("/", "\\/")) } },
    names: /^body_reformatted: .*written again/m,
    fix: /bytes/,
  },
  "a proxy that writes 4.0 as 4": {
    send: { body: event, headers: { "x-walnut-signature": sign(event.replace('"session_duration":4', '"session_duration":4.0')) } },
    names: /^body_reformatted: .*written again/m,
    fix: /bytes/,
  },
  "a body that was encoded as JSON a second time": {
    change: ({ body, headers }) => [JSON.stringify(body.toString()), headers],
    names: /^body_encoded_twice: .*a second time/m,
    fix: /bytes/,
  },
  "a body that a proxy compressed with gzip": {
    change: ({ body, headers }) => [gzipSync(body), headers],
    names: /^body_compressed: .*compressed/m,
    fix: /Decompress the body before you verify it/,
  },
  "a body that a proxy compressed with Brotli": {
    change: ({ body, headers }) => [brotliCompressSync(body), { ...headers, "content-encoding": "br" }],
    names: /^body_compressed: .*compressed/m,
    fix: /Decompress the body before you verify it/,
  },
  "a compressed body that express.raw decompressed": {
    send: { body: gzipSync(event), headers: { "x-walnut-signature": sign(gzipSync(event)), "content-encoding": "gzip" } },
    names: /^body_decompressed: .*probably decompressed/m,
    fix: /before anything decompresses them/,
  },
  "a body in UTF-16": {
    change: ({ body, headers }) => [Buffer.from(`\ufeff${body}\r\n`, "utf16le"), headers],
    names: /^body_charset: .*UTF-16/m,
    fix: /UTF-8/,
  },
  "a body that was decoded as Latin-1": {
    send: { body: event.replace("Awesome", "Größe"), headers: { "x-walnut-signature": sign(event.replace("Awesome", "Größe")) } },
    change: ({ body, headers }) => [body.toString("latin1"), headers],
    names: /^body_charset: .*Latin-1/m,
    fix: /bytes as received/,
  },
  "a key with a byte order mark": {
    webhook: new Webhook(`\ufeff${key}`),
    names: /^key_invisible: .*byte order mark/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a key with no-break spaces": {
    webhook: new Webhook(key.replaceAll(" ", "\u00a0")),
    names: /^key_invisible: .*no-break space/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a key in curly quotes": {
    webhook: new Webhook(`“${key}”`),
    names: /^key_quoted: .*quotation marks/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a whole line of an .env file as the key": {
    webhook: new Webhook(`WALNUT_WEBHOOK_KEY="${key}"`),
    names: /^key_assignment: .*NAME=key/m,
    fix: /only the value after the name/,
  },
  "a key escaped for HTML": {
    webhook: new Webhook(key.replace("'", "&#39;")),
    names: /^key_escaped: .*HTML/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a key escaped for a URL": {
    webhook: new Webhook(encodeURIComponent(key)),
    names: /^key_escaped: .*URL/m,
    fix: /exactly as Walnut's settings show it/,
  },
  "a key file in UTF-16": {
    webhook: new Webhook(Buffer.from(`\ufeff${key}\r\n`, "utf16le")),
    names: /^key_charset: .*UTF-16/m,
    fix: /UTF-8/,
  },
  "an uppercase signature": {
    send: { headers: { "x-walnut-signature": sign(event).toUpperCase() } },
    names: /^malformed_signature: .*uppercase/,
    fix: /^signature_uppercase: .*lowercase/m,
  },
  "no signature, because a proxy drops the header": {
    send: { headers: {} },
    names: /^missing_signature: .*no X-Walnut-Signature/,
    fix: /find the proxy that (drops|removes) the header/,
  },
  "no signature, because signing is off": {
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
  test(`names the mistake and its fix: ${mistake}`, async (t) => {
    const { status, text } = await received(t, app?.() ?? mistaken(how), send);
    assert.equal(status, 200, text);
    assert.match(text, names);
    assert.match(text, fix);
    assert.ok(!text.includes(sign(event)) && !text.includes(key), "the text has a secret");
  });
}

test("the adapter's response to a parsed body names the fix", async (t) => {
  t.mock.method(console, "error", () => {});
  const app = express();
  app.use(express.json());
  app.post("/webhook", handler(new Webhook(key), () => {}));
  const { status, text } = await received(t, app);
  assert.equal(status, 500);
  assert.match(text, /body_not_raw.*Put this route before app\.use\(express\.json\(\)\)/);
});
