// A trap is not an outage: the behaviour of the package after an error in the middle of WebAssembly.
import { collected, finalizations, memoriesHeld, memoryBytes } from "./support.mjs";
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

// The host's hash, replaced so that it can fail.
const hasher = { ...crypto };
const { getBuiltinModule } = process;
process.getBuiltinModule = (name) => (name === "node:crypto" ? hasher : getBuiltinModule.call(process, name));

const root = join(import.meta.dirname, "../..");
const load = (file) => import(join(root, "target/pkg-trap", file));
const { Webhook, WebhookError } = await load("index.js");
const { call, instance } = await load("engine.js");
const { native } = await load("native.js");

const body = readFileSync(join(root, "tests/vectors/bodies/demo.json"));
const sign = (key, bytes = body) => crypto.createHmac("sha256", key).update(bytes).digest("hex");
const keys = ["current", "previous"];
const signature = sign("previous");

/** Makes a call trap, and returns the error that its caller gets. */
function trap() {
  try {
    call((core) => core.trap());
  } catch (error) {
    return error;
  }
  throw new Error("it did not trap");
}

const lostStream = /^Error: This stream was lost in a restart of WebAssembly\. Begin another with webhook\.stream\(\)\.$/;

/** Each method of a `Webhook`, with its expected result. */
const uses = {
  verify(webhook) {
    const { keyIndex, id, type, drift } = webhook.verify(body, signature);
    assert.deepEqual({ keyIndex, id, type, drift }, {
      keyIndex: 1,
      id: "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1",
      type: "demo_session_finished",
      drift: [],
    });
  },
  verifySignature(webhook) {
    assert.deepEqual(webhook.verifySignature(body, signature), { keyIndex: 1 });
    assert.throws(() => webhook.verifySignature(body, sign("another")), { code: "signature_mismatch" });
  },
  sign(webhook) {
    assert.equal(webhook.sign(body), sign("current"));
  },
  precheck(webhook) {
    webhook.precheck(signature, body.length);
    assert.throws(() => webhook.precheck(signature, (1 << 20) + 1), { code: "body_too_large" });
  },
  stream(webhook) {
    const stream = webhook.stream();
    stream.update(body.subarray(0, 100));
    stream.update(body.subarray(100));
    assert.deepEqual(stream.finish(signature), { keyIndex: 1 });
  },
};

test("throws a trap as the host's error, and not as a verdict", () => {
  new Webhook(keys);
  const error = trap();
  assert.ok(error instanceof WebAssembly.RuntimeError, String(error));
  assert.ok(!(error instanceof WebhookError));
  assert.equal(error.code, undefined);
});

test("throws an internal error for a call that fails without setting an error", () => {
  new Webhook(keys);
  const error = new Error("Internal error: the handle is stale. Create a new Webhook.");
  assert.throws(() => call(() => -1), error);
});

for (const [path, from, hash] of [
  ["the host's hash", 0, hasher.hash],
  ["the host's hash but no crypto.hash", 0, undefined],
  ["WebAssembly alone", Infinity, hasher.hash],
]) {
  for (const [name, use] of Object.entries(uses)) {
    test(`${name}, with ${path}, works after a trap`, (t) => {
      const before = [native.from, hasher.hash];
      t.after(() => ([native.from, hasher.hash] = before));
      [native.from, hasher.hash] = [from, hash];
      const webhook = new Webhook(keys);
      use(webhook);
      trap();
      use(webhook);
      trap();
      trap();
      use(webhook);
      use(new Webhook(keys));
    });
  }
}

test("each key of each webhook has its index after a trap, although the caller has wiped the passed bytes", () => {
  const names = ["first", "second", "third", "fourth"];
  const webhooks = names.map((_, least) => {
    const passed = names.slice(least).map((name) => new TextEncoder().encode(name));
    const webhook = new Webhook(passed);
    for (const bytes of passed) bytes.fill(0);
    return webhook;
  });
  trap();
  // The order differs from the order of their creation, so each webhook gets a new handle.
  for (const [least, webhook] of [...webhooks.entries()].reverse()) {
    assert.equal(webhook.sign(body), sign(names[least]));
    for (const [index, name] of names.entries()) {
      const verify = () => webhook.verifySignature(body, sign(name));
      if (index < least) assert.throws(verify, { code: "signature_mismatch" });
      else assert.deepEqual(verify(), { keyIndex: index - least });
    }
  }
});

test("a limit holds after a trap", () => {
  const webhook = new Webhook(keys, { maxBodyBytes: body.length });
  trap();
  webhook.verify(body, signature);
  const longer = Buffer.concat([body, Buffer.from(" ")]);
  assert.throws(() => webhook.verify(longer, sign("current", longer)), { code: "body_too_large" });
});

test("an open stream reports its loss after a trap, even if a new stream has its number, and new streams work", () => {
  const webhook = new Webhook(keys);
  const [updated, finished] = [webhook.stream(), webhook.stream()];
  updated.update(body);
  finished.update(body);
  trap();
  const others = [webhook.stream(), webhook.stream()];
  assert.throws(() => updated.update(body), lostStream);
  assert.throws(() => updated.finish(signature), lostStream);
  assert.throws(() => finished.finish(signature), lostStream);
  for (const other of others) {
    other.update(body);
    assert.deepEqual(other.finish(signature), { keyIndex: 1 });
  }
});

const failures = {
  "an error of the host's hash": [() => { throw new Error("no digest today"); }, /^Error: no digest today$/],
  "a full stack": [function full() { full(); }, RangeError],
};

for (const [name, [fail, expected]] of Object.entries(failures)) {
  test(`throws ${name} from the middle of a call unchanged, and the next call works`, (t) => {
    const webhook = new Webhook(keys);
    const { hash, createHash } = hasher;
    t.after(() => Object.assign(hasher, { hash, createHash }));
    const before = instance();
    for (const method of ["verify", "verifySignature"]) {
      Object.assign(hasher, { hash: fail, createHash: fail });
      assert.throws(() => webhook[method](body, signature), expected);
      Object.assign(hasher, { hash, createHash });
      for (const use of Object.values(uses)) use(webhook);
    }
    assert.equal(instance(), before + 2);
  });
}

test("finalizers of an earlier instance do not affect newer objects with the same numbers", async () => {
  const count = 50;
  const many = (make) => Array.from({ length: count }, make);
  let webhooks = many(() => new Webhook(keys));
  let streams = webhooks.map((webhook) => webhook.stream());
  trap();
  const webhook = new Webhook(keys);
  const newer = many(() => new Webhook(keys));
  const inFlight = many(() => webhook.stream());
  for (const stream of inFlight) stream.update(body);
  assert.equal(streams.length, webhooks.length);
  const before = finalizations();
  webhooks = streams = undefined;
  assert.ok(await collected(() => finalizations() - before >= 2 * count), `${finalizations() - before} finalized`);
  for (const stream of inFlight) assert.deepEqual(stream.finish(signature), { keyIndex: 1 });
  for (const one of newer) for (const use of Object.values(uses)) use(one);
});

test("a webhook that outlived 1,000 instances is finalized only for the last one", async () => {
  let webhook = new Webhook(keys);
  for (let count = 0; count < 1_000; count++) {
    trap();
    assert.equal(webhook.sign("{}"), sign("current", "{}"));
  }
  const before = finalizations();
  webhook = undefined;
  assert.ok(await collected(() => finalizations() > before), "nothing was finalized");
  let last;
  assert.ok(await collected(() => last === (last = finalizations())));
  // Some of these finalizers belong to the tests above.
  assert.ok(last - before < 1_000, `${last - before} finalized`);
});

test("frees each of 10,000 instances that trapped", async () => {
  const webhook = new Webhook(keys);
  const oneMemoryIsLeft = () => collected(() => memoriesHeld() === 1);
  trap();
  uses.verify(webhook);
  assert.ok(await oneMemoryIsLeft(), `${memoriesHeld()} memories before`);
  const [first, bytes] = [instance(), memoryBytes()];
  for (let count = 0; count < 10_000; count++) {
    trap();
    assert.equal(webhook.sign("{}"), sign("current", "{}"));
  }
  assert.equal(instance(), first + 10_000);
  assert.ok(await oneMemoryIsLeft(), `${memoriesHeld()} memories after`);
  assert.equal(memoryBytes(), bytes);
});
