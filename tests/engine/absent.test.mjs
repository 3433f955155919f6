// A host may have built-in modules, but no node:crypto: Node can be built this way.
import assert from "node:assert/strict";
import { test } from "node:test";

test("looks for the host's hash only once, and gives every body its verdict without it", async () => {
  const { getBuiltinModule } = process;
  const loaded = [];
  process.getBuiltinModule = (name) => {
    loaded.push(name);
    return name === "node:crypto" ? undefined : getBuiltinModule.call(process, name);
  };
  const { Webhook } = await import("walnut-webhooks");
  const webhook = new Webhook("key");
  const body = JSON.stringify({ event: "e", text: "x".repeat(1000) });
  const signature = webhook.sign(body);
  for (let count = 0; count < 3; count++) {
    assert.equal(webhook.verify(body, signature).keyIndex, 0);
    assert.throws(() => webhook.verify(`${body} `, signature), { code: "signature_mismatch" });
  }
  assert.deepEqual(loaded, ["node:crypto"]);
});
