// A process that verifies only one delivery does not load node:crypto.
import assert from "node:assert/strict";
import { test } from "node:test";

test("loads the host's hash only once, when it verifies the second body that is long enough", async () => {
  const { getBuiltinModule } = process;
  const loaded = [];
  process.getBuiltinModule = (name) => (loaded.push(name), getBuiltinModule.call(process, name));
  const { Webhook } = await import("walnut-webhooks");
  const webhook = new Webhook("key");
  const [short, body] = ["{}", JSON.stringify({ event: "e", text: "x".repeat(1000) })];
  const signatures = [short, body].map((text) => webhook.sign(text));
  const verify = () => [short, body].forEach((text, index) => webhook.verify(text, signatures[index]));
  verify();
  assert.deepEqual(loaded, []);
  verify();
  verify();
  assert.deepEqual(loaded, ["node:crypto"]);
});
