// The package looks for TextEncoder and TextDecoder when it needs them, not when it is imported.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** Signs in a process without some globals, and prints the signature or the error's message. */
function sign(missing, builtin) {
  const program = `
    import { Webhook } from "walnut-webhooks";
    for (const name of ${JSON.stringify(missing)}) delete globalThis[name];
    process.getBuiltinModule = ${builtin};
    try {
      process.stdout.write(new Webhook("key").sign("{}"));
    } catch (error) {
      process.stdout.write(error.message);
    }`;
  return execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
}

const both = ["TextEncoder", "TextDecoder"];

test("names the missing classes in an environment with neither TextEncoder nor TextDecoder", () => {
  const expected =
    "walnut-webhooks needs TextEncoder and TextDecoder, which this environment lacks. " +
    "Assign both to globalThis.";
  assert.equal(sign(both, "undefined"), expected);
});

for (const missing of [both, ...both.map((name) => [name])]) {
  test(`uses Node's classes if ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} missing`, () => {
    assert.match(sign(missing, "process.getBuiltinModule"), /^[0-9a-f]{64}$/);
  });
}
