// A process that starts for one delivery does not wait for a module that it hardly needs.
import assert from "node:assert/strict";
import { test } from "node:test";

test("the host's hash is loaded for the second body that it is for, and once", async () => {
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
