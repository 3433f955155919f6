// The keys of one webhook are never another's, and no copy of a key is left in memory.
import { occurrences } from "./support.mjs";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";

const sign = (key) => createHmac("sha256", key).update("{}").digest("hex");

const refused = {
  "an empty one after it": ["refused", ""],
  "an empty one after others": ["refused", "refused too", "refused as well", ""],
  "more than four": ["refused", "2", "3", "4", "5"],
};

for (const [name, keys] of Object.entries(refused)) {
  test(`a key that was refused for ${name} is nobody's`, () => {
    const invalid = { code: "invalid_key" };
    assert.throws(() => new Webhook(keys), invalid);
    assert.throws(() => new Webhook([]), invalid);
    assert.throws(() => new Webhook(keys), invalid);
    const webhook = new Webhook(["current", "previous"]);
    assert.equal(webhook.sign("{}"), sign("current"));
    assert.deepEqual(webhook.verifySignature("{}", sign("previous")), { keyIndex: 1 });
    assert.throws(() => webhook.verifySignature("{}", sign("refused")), { code: "signature_mismatch" });
  });
}

test("no copy of a key is left in memory, and none of the block that the host hashes before a body", () => {
  const key = Buffer.from("a key whose bytes are looked for");
  const block = Buffer.alloc(64, 0x36).map((pad, index) => pad ^ (key[index] ?? 0));
  const webhook = new Webhook(key);
  const body = JSON.stringify({ event: "x".repeat(2000) });
  // The host hashes from the second one on; the third is too long to be copied behind the block.
  for (const text of [body, body, JSON.stringify({ event: "x".repeat(5000) })]) {
    webhook.verify(text, webhook.sign(text));
    assert.equal(occurrences(key), 0);
    // The webhook keeps one.
    assert.equal(occurrences(block), 1);
  }
});
