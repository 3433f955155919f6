// The keys of one webhook are never another's.
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
