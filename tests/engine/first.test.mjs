// A process that starts for one delivery does not wait for a module that it barely needs.
import assert from "node:assert/strict";
import { test } from "node:test";

test("loads the host's hash once, for the second suitable body", async () => {
  const { getBuiltinModule } = process;
  const asked = [];
  process.getBuiltinModule = (name) => (asked.push(name), getBuiltinModule.call(process, name));
  const { Webhook } = await import("walnut-webhooks");
  const webhook = new Webhook("key");
  const [short, body] = ["{}", JSON.stringify({ event: "e", text: "x".repeat(1000) })];
  const signatures = [short, body].map((text) => webhook.sign(text));
  const verify = () => [short, body].forEach((text, index) => webhook.verify(text, signatures[index]));
  verify();
  assert.deepEqual(asked, []);
  verify();
  verify();
  assert.deepEqual(asked, ["node:crypto"]);
});
