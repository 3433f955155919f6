// Runs Wycheproof's vectors of tests/external/ with the package.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { imported, wasmOnly } from "../property/copies.mjs";

const read = (name) => JSON.parse(readFileSync(join(import.meta.dirname, "../external", name), "utf8"));
const { testGroups, numberOfTests } = read("wycheproof.json");
const exceptions = read("exceptions.json");
const cases = testGroups.flatMap(({ tagSize, tests }) => tests.map((one) => ({ ...one, isCut: tagSize !== 256 })));

/** Returns the common verdict of all ways to check: a key's index, or a code. */
function verdicts(webhook, body, tag) {
  const verdictOf = (call) => {
    try {
      return call().keyIndex;
    } catch (error) {
      return error.code ?? String(error);
    }
  };
  const stream = webhook.stream();
  for (const byte of body) stream.update(Uint8Array.of(byte));
  return [verdictOf(() => webhook.verifySignature(body, tag)), verdictOf(() => stream.finish(tag))];
}

for (const [way, { Webhook }] of Object.entries({ "as imported": imported, "WebAssembly only": wasmOnly })) {
  test(`Node, ${way}: every vector of Wycheproof has its verdict`, () => {
    assert.equal(cases.length, numberOfTests);
    assert.equal(cases.length, 174);
    const exceptional = cases.filter(({ key, msg, tag, result, isCut }) => {
      const webhook = new Webhook(Buffer.from(key, "hex"));
      const body = Buffer.from(msg, "hex");
      const expected = isCut ? "malformed_signature" : { valid: 0, invalid: "signature_mismatch" }[result];
      const agrees = webhook.sign(body).startsWith(tag) === (result === "valid");
      return !agrees || verdicts(webhook, body, tag).some((verdict) => verdict !== expected);
    });
    assert.deepEqual(exceptional.map(({ tcId }) => String(tcId)), Object.keys(exceptions));
  });
}
