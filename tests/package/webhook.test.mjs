import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import { isWebhookError, Webhook, WebhookError } from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

const key = "the key of these tests";
const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
const signature = createHmac("sha256", key).update(sample).digest("hex");
const webhook = new Webhook(key);

/** The code that a call throws, or `undefined`. */
function code(call) {
  try {
    call();
  } catch (error) {
    assert.ok(error instanceof WebhookError, String(error));
    return error.code;
  }
}

/** Returns the name, the status and the message of the error that a call throws. */
function message(call) {
  try {
    call();
  } catch (error) {
    return `${error.name} ${error.status} ${error.message}`;
  }
}

test("returns a delivery with the fields of the contract", () => {
  const delivery = webhook.verify(sample, signature);
  assert.deepEqual(delivery, {
    name: "demo_session_finished",
    type: "demo_session_finished",
    event: JSON.parse(sample),
    id: "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1",
    timestamp: "2023-11-01T19:15:20.666248Z",
    keyIndex: 0,
    isTest: false,
    drift: [],
  });
});

test("verifySignature does not parse", () => {
  const body = "no JSON";
  assert.deepEqual(webhook.verifySignature(body, webhook.sign(body)), { keyIndex: 0 });
  assert.equal(code(() => webhook.verify(body, webhook.sign(body))), "not_json");
});

test("accepts a body as bytes, or as a string, which means its UTF-8", () => {
  const spare = new Uint8Array(sample.length + 20);
  spare.set(sample, 7);
  const view = spare.subarray(7, 7 + sample.length);
  const foreign = runInNewContext("Uint8Array").from(sample);
  const bodies = [sample, new Uint8Array(sample), view, foreign, foreign.buffer, sample.toString()];
  for (const body of bodies) assert.equal(code(() => webhook.verify(body, signature)), undefined, inspect(body));
});

test("rejects a body that is not raw before any other check", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8));
  const disguised = { [Symbol.toStringTag]: "Uint8Array", length: 0 };
  const bodies = [JSON.parse(sample), undefined, null, 7, [1, 2], new DataView(new ArrayBuffer(1)), new Uint16Array(1), shared, disguised, "\ud800", Promise.resolve(sample), new Blob([sample])];
  for (const body of bodies) {
    assert.equal(code(() => webhook.verify(body, undefined)), "body_not_raw", inspect(body));
    assert.equal(code(() => webhook.sign(body)), "body_not_raw");
    assert.equal(code(() => webhook.stream().update(body)), "body_not_raw");
  }
  assert.throws(() => webhook.verify(JSON.parse(sample), signature), {
    message: /^The raw body is needed, byte for byte as received, but this is an object: something has parsed the body already\. .*walnut-webhooks\/express.*arrayBuffer\(\)/s,
    status: 500,
  });
});

test("rejects a detached buffer and keeps other bodies usable", () => {
  const stream = webhook.stream();
  stream.update(sample);
  const gone = new Uint8Array(sample);
  const { buffer } = gone;
  structuredClone(buffer, { transfer: [buffer] });
  for (const body of [gone, buffer]) assert.equal(code(() => webhook.verify(body, signature)), "body_not_raw");
  assert.deepEqual(stream.finish(signature), { keyIndex: 0 });
});

test("verifies and parses the same bytes, regardless of the length that a subclass claims", () => {
  class Short extends Uint8Array {
    get length() {
      return 3;
    }
  }
  const body = new Short(sample.buffer, sample.byteOffset, sample.byteLength);
  assert.equal(code(() => webhook.verify(body, webhook.sign(sample.subarray(0, 3)))), "signature_mismatch");
  assert.equal(code(() => webhook.verify(body, signature)), undefined);
});

test("ignores additions of other code to Object.prototype", (t) => {
  t.after(() => ["event", "is_test", "timestamp", "data"].forEach((name) => delete Object.prototype[name]));
  Object.assign(Object.prototype, { event: "demo_session_finished", is_test: true, timestamp: "now", data: {} });
  const { name, isTest, timestamp, type, drift } = webhook.verify("{}", webhook.sign("{}"));
  assert.deepEqual({ name, isTest, timestamp, type }, { name: null, isTest: false, timestamp: null, type: "unknown" });
  assert.deepEqual(drift.map(({ path, kind }) => [path, kind]), [["event", "missing"]]);
});

test("finds the one signature in any form of headers, and rejects two", () => {
  const good = [
    signature,
    new Headers({ "X-WALNUT-SIGNATURE": signature }),
    new Map([["x-walnut-signature", signature]]),
    { "x-walnut-signature": signature },
    { host: "a", "X-Walnut-Signature": signature },
    { "X-Walnut-Signature": undefined, "x-walnut-signature": signature },
    { "x-walnut-signature": signature, "X-Walnut-Signature": undefined },
    // This name is as long as the name of the signature's header.
    { "x-forwarded-server": "a", "x-walnut-signature": signature },
    Object.assign(Object.create(null), { "X-WALNUT-signature": signature }),
    // Lists of one value: Node's headersDistinct, and multiValueHeaders of AWS Lambda.
    { "x-walnut-signature": [signature] },
    [signature],
    // Bytes: the headers of message queues.
    Buffer.from(signature),
    { "x-walnut-signature": Buffer.from(signature) },
    { "x-walnut-signature": new TextEncoder().encode(signature) },
    { "x-walnut-signature": [Buffer.from(signature)] },
    new Map([["x-walnut-signature", Buffer.from(signature)]]),
  ];
  for (const header of good) assert.equal(code(() => webhook.verify(sample, header)), undefined, inspect(header));
  const missing = [undefined, null, {}, { host: "a" }, { "x-forwarded-server": signature }, new Headers(), new Map(), { "x-walnut-signature": undefined }, { "x-walnut-signature": null }];
  for (const header of missing) assert.equal(code(() => webhook.verify(sample, header)), "missing_signature", inspect(header));
  const malformed = [
    "",
    { "x-walnut-signature": "" },
    { "x-walnut-signature": [signature, signature] },
    { "x-walnut-signature": [] },
    { "x-walnut-signature": [[signature]] },
    { "x-walnut-signature": signature, "X-Walnut-Signature": signature },
    { "x-walnut-signature": [signature], "X-Walnut-Signature": [signature] },
    { "x-walnut-signature": 7 },
    [signature, signature],
    [],
    Buffer.from(signature.toUpperCase()),
    Buffer.from(`${signature} `),
    Buffer.alloc(1 << 20, "0"),
    new Uint8Array(64).fill(0xe9),
  ];
  for (const header of malformed) assert.equal(code(() => webhook.verify(sample, header)), "malformed_signature", inspect(header));
  // Inherited properties are not headers.
  assert.equal(code(() => webhook.verify(sample, Object.create({ "x-walnut-signature": signature }))), "missing_signature");
});

test("checks keys at construction", () => {
  for (const bad of ["", [], [""], ["a", ""], [..."abcde"], undefined, null, 7, {}, [undefined], [, "k"], new Uint8Array(), new Uint16Array(4), new DataView(new ArrayBuffer(1)), "\udc00"]) {
    assert.equal(code(() => new Webhook(bad)), "invalid_key", inspect(bad));
  }
  assert.throws(() => new Webhook(process.env.NO_SUCH_VARIABLE), { message: /Check that the environment variable with the key is set\.$/ });
  for (const good of ["a", ["a"], [..."abcd"], new Uint8Array([0]), [new Uint8Array([255]), "b"]]) {
    assert.equal(code(() => new Webhook(good)), undefined, inspect(good));
  }
});

test("rejects a detached key", () => {
  const gone = new TextEncoder().encode(key);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  assert.equal(message(() => new Webhook(gone)), message(() => new Webhook("")));
});

test("copies keys", () => {
  const bytes = new TextEncoder().encode(key);
  const keyed = new Webhook(bytes);
  bytes.fill(0);
  assert.equal(keyed.sign(sample), signature);
});

test("checks options", () => {
  for (const bad of [{ maxBodyBytes: -1 }, { maxBodyBytes: 1.5 }, { maxBodyBytes: 2 ** 31 }, { maxAge: -1 }, { maxAge: NaN }, { maxAge: 1, skew: -1 }]) {
    assert.throws(() => new Webhook(key, bad), RangeError, inspect(bad));
  }
  assert.equal(new Webhook(key, { maxBodyBytes: 2 ** 31 - 1 }).maxBodyBytes, 2 ** 31 - 1);
});

test("compares the signed time with the clock if maxAge is set", () => {
  assert.equal(code(() => new Webhook(key, { maxAge: 1000 }).verify(sample, signature)), "stale");
  const now = () => Date.parse("2023-11-01T19:15:21.000Z");
  assert.equal(code(() => new Webhook(key, { maxAge: 1000, now }).verify(sample, signature)), undefined);
  assert.equal(code(() => new Webhook(key, { maxAge: 1000 }).verifySignature(sample, signature)), undefined);
});

test("asks the clock only if maxAge is set", () => {
  const now = () => {
    throw new Error("there is no clock");
  };
  assert.equal(code(() => new Webhook(key, { now }).verify(sample, signature)), undefined);
  assert.throws(() => new Webhook(key, { now, maxAge: 1000 }).verify(sample, signature), /there is no clock/);
});

test("shows no secret", () => {
  const shown = inspect([webhook, webhook.stream()], { depth: 9, showHidden: true }) + JSON.stringify(webhook);
  assert.ok(!shown.includes(key) && !shown.includes(signature) && !shown.includes("116, 104, 101"), shown);
  const wrong = new Webhook("another");
  assert.throws(() => wrong.verify(sample, signature), ({ message, stack }) => {
    return ![wrong.sign(sample), "another"].some((secret) => (message + stack).includes(secret));
  });
});

test("names a request that was passed instead of its headers", () => {
  for (const request of [{ headers: { "x-walnut-signature": signature } }, new Request("http://a", { headers: { "x-walnut-signature": signature } })]) {
    const expected = "TypeError undefined This is a request. Pass its headers: verify(rawBody, request.headers).";
    assert.equal(message(() => webhook.verify(sample, request)), expected);
  }
});

test("states the problem and the fix in each error", () => {
  const old = new Webhook(key, { maxAge: 259_200, skew: 2000, now: () => Date.parse("2023-11-01T19:30:00Z") });
  assert.equal(
    message(() => old.verify(sample, signature)),
    "WebhookError 400 The event is older than the limit of 259 s. Check the clock of this machine, or raise maxAge, or MAX_EVENT_AGE at the edge. The event's timestamp is 2023-11-01T19:15:20.666248Z.",
  );
  const ahead = new Webhook(key, { maxAge: 1000, skew: 2000, now: () => 0 });
  assert.equal(
    message(() => ahead.verify(sample, signature)),
    "WebhookError 400 The event is further ahead than the limit of 2 s. Check the clock of this machine, or raise skew. The event's timestamp is 2023-11-01T19:15:20.666248Z.",
  );
  assert.equal(
    message(() => webhook.verify(sample, {})),
    "WebhookError 401 The request has no X-Walnut-Signature header. Switch signature verification on for this webhook in Walnut's settings, or find the proxy that drops the header.",
  );
  assert.equal(
    message(() => webhook.verify(sample, signature.toUpperCase())),
    "WebhookError 401 X-Walnut-Signature must be exactly 64 lowercase hex digits, but it has uppercase digits. Pass it on exactly as Walnut sends it.",
  );
  assert.equal(
    message(() => webhook.verify("", webhook.sign(""))),
    "WebhookError 400 The signature is correct, but the body is not a JSON object: it is empty. Check what the sender signed.",
  );
  for (const [body, what] of [[new Uint8Array([0xff]), "it is not valid UTF-8"], ["{", "its syntax is invalid"]]) {
    assert.equal(
      message(() => webhook.verify(body, webhook.sign(body))),
      `WebhookError 400 The signature is correct, but the body is not a JSON object: ${what}. Check what the sender signed.`,
    );
  }
  assert.equal(
    message(() => new Webhook(key, { maxBodyBytes: 850 }).verify(sample, signature)),
    "WebhookError 413 The body is longer than the limit of 850 bytes. If Walnut sent it, raise maxBodyBytes, or MAX_BODY_BYTES at the edge.",
  );
});

test("names the value that was passed instead of a raw body or a key", () => {
  const { buffer } = new Uint8Array(sample);
  structuredClone(buffer, { transfer: [buffer] });
  for (const [body, what] of [
    [undefined, "this is undefined"],
    [null, "this is null"],
    [7, "this is a number"],
    [new Map(), "this is a Map"],
    [{}, "this is an object: something has parsed the body already"],
    ["\ud800", "this string has a lone surrogate: it was cut or decoded wrongly"],
    [buffer, "its buffer was transferred"],
  ]) {
    assert.equal(
      message(() => webhook.verify(body, signature)),
      `WebhookError 500 The raw body is needed, byte for byte as received, but ${what}. Use walnut-webhooks/express, /fastify, /hono, /node or /fetch; or pass the body before it is parsed: await request.arrayBuffer(), or in AWS Lambda Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').`,
    );
  }
  for (const [bad, what] of [[undefined, "undefined"], [null, "null"], [7, "a number"], [{}, "an object"], ["\udc00", "a string with a lone surrogate"]]) {
    assert.equal(
      message(() => new Webhook(bad)),
      `WebhookError 500 A key must be a string or a Uint8Array, but this is ${what}. Check that the environment variable with the key is set.`,
    );
  }
});

test("recognises a WebhookError, also one of another copy of the package", () => {
  const error = (() => {
    try {
      webhook.verify(sample, "");
    } catch (thrown) {
      return thrown;
    }
  })();
  assert.ok(isWebhookError(error));
  const { Webhook: Other } = createRequire(import.meta.url)("walnut-webhooks");
  try {
    new Other("");
    assert.fail("must throw");
  } catch (other) {
    assert.ok(!(other instanceof WebhookError) && isWebhookError(other));
  }
  const foreign = runInNewContext("Object.assign(new Error(), { name: 'WebhookError', code: 'stale', status: 400 })");
  assert.ok(!(foreign instanceof Error) && isWebhookError(foreign));
  for (const value of [undefined, null, 7, "WebhookError", new Error("no"), { name: "WebhookError", code: "stale", status: 400 }, new TypeError("no")]) {
    assert.equal(isWebhookError(value), false);
  }
});

test("does not wrap lengths beyond 32 bits", () => {
  const largest = new Webhook(key, { maxBodyBytes: 2 ** 31 - 1 });
  const nothing = webhook.sign("");
  assert.deepEqual(webhook.verifySignature("", nothing), { keyIndex: 0 });
  for (const length of [2 ** 31, 2 ** 32]) {
    // The array takes no memory, because nothing is written to its pages.
    const long = new Uint8Array(length);
    for (const its of [webhook, largest]) {
      for (const refused of [() => its.verify(long, nothing), () => its.verifySignature(long, nothing), () => its.sign(long)]) {
        assert.equal(code(refused), "body_too_large");
      }
      assert.equal(code(() => its.precheck(nothing, length)), "body_too_large");
      assert.equal(explain(its, long, nothing).cause, "body_too_large");
    }
    const stream = webhook.stream();
    stream.update(sample);
    assert.equal(code(() => stream.update(long)), "body_too_large");
    assert.equal(code(() => stream.finish(signature)), "body_too_large");
    assert.equal(message(() => webhook.sign(long)), "WebhookError 413 A body over 2147483647 bytes can't be signed.");
    assert.match(message(() => new Webhook(long)), /^WebhookError 500 A key must be .*, but this is 2 GiB or more\. /);
  }
});

test("precheck rejects a request whose body need not be read", () => {
  assert.equal(code(() => webhook.precheck({}, 5)), "missing_signature");
  assert.equal(code(() => webhook.precheck("zz", 5)), "malformed_signature");
  assert.equal(code(() => webhook.precheck(signature, webhook.maxBodyBytes)), undefined);
  assert.equal(code(() => webhook.precheck(signature, webhook.maxBodyBytes + 1)), "body_too_large");
  assert.equal(code(() => webhook.precheck(signature, 2 ** 40)), "body_too_large");
  for (const length of ["5", "abc", null, NaN, -1, 0.5]) {
    assert.match(message(() => webhook.precheck(signature, length)), /^(Type|Range)Error undefined contentLength must be a whole number from 0 to /);
  }
  assert.equal(code(() => webhook.precheck(signature)), undefined);
});

test("rejects a stream at the chunk that exceeds the limit, and rejects all calls after finish", () => {
  const stream = new Webhook(key, { maxBodyBytes: 3 }).stream();
  stream.update("abc");
  assert.equal(code(() => stream.update("d")), "body_too_large");
  assert.equal(code(() => stream.finish(undefined)), "missing_signature");
  const finished = "Error undefined This stream is finished. Begin another with webhook.stream().";
  assert.equal(message(() => stream.update("e")), finished);
  assert.throws(() => stream.finish(signature), /finished/);
  const repeated = webhook.stream();
  assert.equal(code(() => repeated.finish([signature, signature])), "malformed_signature");
  assert.throws(() => repeated.finish(signature), /finished/);
});

test("keeps the streams of one webhook apart", () => {
  const [one, two] = [webhook.stream(), webhook.stream()];
  one.update("on");
  two.update("tw");
  one.update("e");
  two.update("o");
  assert.deepEqual(two.finish(webhook.sign("two")), { keyIndex: 0 });
  assert.deepEqual(one.finish(webhook.sign("one")), { keyIndex: 0 });
});

test("recovers after a call that overflows the stack", () => {
  const bytes = new TextEncoder().encode(key);
  const keyed = new Webhook(bytes);
  bytes.fill(0);
  const lost = webhook.stream();
  const outcomes = new Set();
  const deep = () => {
    try {
      deep();
    } catch {
      // the stack is full, and each return frees a part of it
    }
    if (outcomes.has("accepted")) return;
    try {
      webhook.verify(sample, signature);
      outcomes.add("accepted");
    } catch (error) {
      outcomes.add(error.name);
    }
  };
  deep();
  assert.deepEqual([...outcomes], ["RangeError", "accepted"]);
  assert.equal(webhook.verify(sample, signature).type, "demo_session_finished");
  assert.equal(code(() => webhook.verify(sample, "0".repeat(64))), "signature_mismatch");
  assert.equal(keyed.sign(sample), signature);
  // A stream of the lost instance throws, instead of giving a verdict.
  assert.throws(() => lost.update(sample), /lost.*Begin another/);
  const stream = webhook.stream();
  stream.update(sample);
  assert.deepEqual(stream.finish(signature), { keyIndex: 0 });
});
