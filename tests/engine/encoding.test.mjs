// The package looks for TextEncoder and TextDecoder when it needs them, not when it is imported.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";

test("says what is missing in an environment with neither TextEncoder nor TextDecoder", (t) => {
  const { TextDecoder, TextEncoder } = globalThis;
  const { getBuiltinModule } = process;
  t.after(() => Object.assign(globalThis, { TextDecoder, TextEncoder }));
  t.after(() => (process.getBuiltinModule = getBuiltinModule));
  Object.assign(globalThis, { TextDecoder: undefined, TextEncoder: undefined });
  process.getBuiltinModule = undefined;
  const message =
    "walnut-webhooks needs TextEncoder and TextDecoder, but this environment has neither. " +
    "Assign both to globalThis before you create a Webhook.";
  assert.throws(() => new Webhook("key"), new Error(message));
  process.getBuiltinModule = getBuiltinModule;
  assert.equal(new Webhook("key").sign("{}").length, 64);
});
