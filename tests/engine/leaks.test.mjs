// Memory is bounded: abandoned objects are closed, and verified bodies only pass through.
import { collected, finalizations, memoryBytes } from "./support.mjs";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { before, test } from "node:test";

// The package's modules, each in its own file, because the package does not export `native`.
const load = (file) => import(join(import.meta.dirname, "../../target/pkg-trap", file));
const { Webhook } = await load("index.js");
const { native } = await load("native.js");

const MIB = 1 << 20;
const key = "the key of these tests";
const body = new Uint8Array(MIB).fill(7);
const signature = createHmac("sha256", key).update(body).digest("hex");
const webhook = new Webhook(key);

// Never uses the host's hash, because it does not use the memory of WebAssembly.
before(() => (native.from = Infinity));

const pieces = (size) => () => {
  const stream = webhook.stream();
  for (let at = 0; at < body.length; at += size) stream.update(body.subarray(at, at + size));
  return stream.finish(signature);
};

const passes = {
  "verifySignature": () => webhook.verifySignature(body, signature),
  "a stream, whole": pieces(MIB),
  "a stream by 16 KiB": pieces(16 << 10),
  "a stream by 100,000 bytes": pieces(100_000),
};

for (const [name, pass] of Object.entries(passes)) {
  test(`${name}: 1,000 bodies of 1 MiB pass through the same few MiB`, () => {
    assert.deepEqual(pass(), { keyIndex: 0 });
    const first = memoryBytes();
    for (let count = 1; count < 1_000; count++) assert.equal(pass().keyIndex, 0);
    assert.equal(memoryBytes(), first);
    assert.ok(first <= 4 * MIB, `${first} bytes`);
  });
}

test("a webhook sets its keys once, for any number of calls", () => {
  webhook.sign("{}");
  const first = memoryBytes();
  for (let count = 0; count < 10_000; count++) webhook.sign("{}");
  assert.equal(memoryBytes(), first);
});

test("releases a body when its call is over", async () => {
  const held = new WeakRef(Uint8Array.of(1, 2, 3));
  webhook.sign(held.deref());
  // The WeakRef itself keeps the body until this turn of the event loop ends.
  await new Promise(setImmediate);
  assert.ok(await collected(() => held.deref() === undefined));
});

// These tests run last, because memory never shrinks: up to 10,000 objects are open at once.
const abandons = {
  "a stream that has begun": () => webhook.stream(),
  "a stream in the middle": () => webhook.stream().update("{"),
  "a webhook": () => new Webhook(["current", "previous"]),
};

for (const [name, abandon] of Object.entries(abandons)) {
  test(`closes ${name} that is abandoned, 10,000 times`, async () => {
    const lengths = [];
    for (let round = 0; round < 3; round++) {
      const closed = finalizations();
      for (let count = 0; count < 10_000; count++) abandon();
      const all = await collected(() => finalizations() - closed >= 10_000);
      assert.ok(all, `${finalizations() - closed} of 10,000 were closed`);
      lengths.push(memoryBytes());
    }
    assert.deepEqual(lengths, [lengths[0], lengths[0], lengths[0]]);
  });
}
