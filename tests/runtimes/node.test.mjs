import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "walnut-webhooks";
import { read, run } from "./conformance.mjs";
import { vectors } from "./vectors.mjs";

const cases = read(vectors);
const cjs = createRequire(import.meta.url)("walnut-webhooks");

for (const [way, { Webhook }] of [["import", esm], ["require", cjs]]) {
  test(`Node, ${way}: every vector has its verdict`, () => {
    const { checks, failures } = run(Webhook, cases);
    assert.deepEqual(failures, []);
    assert.ok(checks > 1000, `only ${checks} checks`);
  });
}

test("import and require load two copies, whose errors are recognised by code", () => {
  assert.notEqual(esm.Webhook, cjs.Webhook);
  const code = (run) => {
    try {
      run();
    } catch (error) {
      return error.code;
    }
  };
  assert.equal(code(() => new esm.Webhook("")), code(() => new cjs.Webhook("")));
});
