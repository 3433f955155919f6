// The keys of one webhook are never used by another one, and no copy of a key stays in memory.
import { occurrences } from "./support.mjs";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";

const sign = (key) => createHmac("sha256", key).update("{}").digest("hex");

const refused = {
  "an empty one after it": ["rejected", ""],
  "an empty one after others": ["rejected", "rejected too", "also rejected", ""],
  "more than four": ["rejected", "2", "3", "4", "5"],
};

for (const [name, keys] of Object.entries(refused)) {
  test(`no webhook gets a key that was rejected because of ${name}`, () => {
    const invalid = { code: "invalid_key" };
    assert.throws(() => new Webhook(keys), invalid);
    assert.throws(() => new Webhook([]), invalid);
    assert.throws(() => new Webhook(keys), invalid);
    const webhook = new Webhook(["current", "previous"]);
    assert.equal(webhook.sign("{}"), sign("current"));
    assert.deepEqual(webhook.verifySignature("{}", sign("previous")), { keyIndex: 1 });
    assert.throws(() => webhook.verifySignature("{}", sign("rejected")), { code: "signature_mismatch" });
  });
}

test("leaves no copy of a key in memory, and one copy of the padded key that the host hashes before a body", () => {
  const key = Buffer.from("a key whose bytes are searched for");
  const block = Buffer.alloc(64, 0x36).map((pad, index) => pad ^ (key[index] ?? 0));
  const webhook = new Webhook(key);
  const body = JSON.stringify({ event: "x".repeat(2000) });
  // The host hashes the second body and later ones. The third is too long to be copied behind the block.
  for (const text of [body, body, JSON.stringify({ event: "x".repeat(5000) })]) {
    webhook.verify(text, webhook.sign(text));
    assert.equal(occurrences(key), 0);
    // The webhook keeps one copy.
    assert.equal(occurrences(block), 1);
  }
});
