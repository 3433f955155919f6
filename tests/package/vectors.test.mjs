// The vectors themselves: sound, and signed by another implementation than ours.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const cases = read(vectors);

test("there are many, and each name stands once", () => {
  assert.ok(cases.length >= 100, `${cases.length} cases`);
  assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
});

test("node:crypto agrees with every signature", () => {
  for (const { name, keys, body, header, expect } of cases) {
    const matching = keys.findIndex((key) => createHmac("sha256", key).update(body).digest("hex") === header);
    if (expect.keyIndex !== undefined) assert.equal(matching, expect.keyIndex, name);
    if (expect.code === "signature_mismatch") assert.equal(matching, -1, name);
  }
});

test("node:crypto agrees with what an explanation takes to have been signed", () => {
  const all = Object.values(vectors.files).flatMap(({ cases }) => cases);
  const explained = all.filter(({ signed }) => signed !== undefined);
  assert.ok(explained.length >= 50, `${explained.length} cases`);
  for (const { name, header, signed } of explained) {
    const files = { signed: { cases: [{ name, header, ...signed }] } };
    const [{ keys: [key], body }] = read({ ...vectors, files });
    assert.equal(createHmac("sha256", key).update(body).digest("hex"), header, name);
  }
});
