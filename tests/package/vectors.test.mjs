// The vectors themselves: they are valid, and signed by another implementation.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const cases = read(vectors);

test("there are at least 390 vectors, each with a unique name", () => {
  assert.ok(cases.length >= 390, `${cases.length} cases`);
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});

test("node:crypto agrees with every signature", () => {
  for (const { name, keys, body, header, expect } of cases) {
    const matching = keys.findIndex((key) => createHmac("sha256", key).update(body).digest("hex") === header);
    if (expect.keyIndex !== undefined) assert.equal(matching, expect.keyIndex, name);
    if (expect.code === "signature_mismatch") assert.equal(matching, -1, name);
  }
});

test("node:crypto agrees with the body and the key that an explanation finds", () => {
  const all = Object.values(vectors.files).flatMap(({ cases }) => cases);
  const explained = all.filter(({ signed }) => signed !== undefined);
  assert.ok(explained.length >= 50, `${explained.length} cases`);
  for (const { name, header, signed } of explained) {
    const files = { signed: { cases: [{ name, header, ...signed }] } };
    const [{ keys: [key], body }] = read({ ...vectors, files });
    assert.equal(createHmac("sha256", key).update(body).digest("hex"), header, name);
  }
});

const SHORT = { "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\" };

/** Shows bytes as an explanation does. */
function visible(bytes) {
  const hex = (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return Buffer.from(bytes).toString("latin1").replace(/[^ -~]|\\/g, (character) => SHORT[character] ?? hex(character));
}

test("a difference is the first between a body and the one that was signed", () => {
  const comparable = /^body_(whitespace|line_endings|byte_order_mark|reformatted)$/;
  let compared = 0;
  for (const { name, body, header, signed, explain } of cases) {
    if (!comparable.test(explain?.cause)) {
      assert.equal(explain?.difference, undefined, name);
      continue;
    }
    const [other] = read({ ...vectors, files: { signed: { cases: [{ name, header, ...signed }] } } });
    let at = 0;
    while (at < body.length && body[at] === other.body[at]) at++;
    const [received, shownSigned] = [body, other.body].map((bytes) => visible(bytes.subarray(at, at + 16)));
    assert.deepEqual(explain.difference, { at, received, signed: shownSigned }, name);
    compared++;
  }
  assert.ok(compared >= 30, `${compared} cases`);
});
