// `explain`: its input, its result, and the secrets that it never reveals.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import * as explaining from "walnut-webhooks/explain";
import * as exported from "walnut-webhooks";
import { contract } from "../../tools/contract.mjs";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const { explain } = explaining;
const { Webhook } = exported;

const key = "the key shown in Walnut's settings";
const sign = (body, by = key) => createHmac("sha256", by).update(body).digest("hex");
const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
const signature = sign(sample);
const causes = new Set(contract().causes);

test("accepts a webhook, a key or keys, with the same result", () => {
  const bytes = new TextEncoder().encode(key);
  for (const given of [new Webhook(key), key, bytes, [key], [bytes]]) {
    assert.deepEqual(explain(given, sample, signature), {
      ok: true,
      code: null,
      cause: "genuine",
      problem: "The signature is right.",
      fix: "Change nothing about the signature. If the request is still rejected, read the error of `verify`.",
      difference: null,
    });
  }
  for (const given of [new Webhook(["new", key]), ["new", key], ["new", bytes]]) {
    assert.equal(explain(given, sample, signature).cause, "previous_key");
  }
});

test("names the mistake, its fix and the first difference of the body", () => {
  assert.deepEqual(explain(key, '{"a": 1}', sign('{"a":1}')), {
    ok: false,
    code: "signature_mismatch",
    cause: "body_reformatted",
    problem: "The JSON of the body was parsed and written again.",
    fix: "Pass the bytes as received, before anything parses or decodes them.",
    difference: { at: 5, received: " 1}", signed: "1}" },
  });
});

test("explains every vector in whole sentences, with a declared cause", () => {
  for (const { name, keys, body, header, others } of read(vectors)) {
    const { cause, problem, fix } = explain(keys, body, { ...others, "x-walnut-signature": header ?? undefined });
    assert.ok(causes.has(cause), `${name}: ${cause}`);
    for (const text of [problem, fix]) assert.match(text, /^[A-Z5].*\.$/, name);
  }
});

test("applies the limit of the webhook, and checks in the order of verify", () => {
  const small = new Webhook(key, { maxBodyBytes: 10 });
  for (const [length, header, code] of [
    [10, signature, "signature_mismatch"],
    [11, signature, "body_too_large"],
    [11, "bad", "malformed_signature"],
    [11, {}, "missing_signature"],
  ]) {
    assert.equal(explain(small, "x".repeat(length), header).code, code);
  }
  assert.equal(explain(small, "x".repeat(11), signature).problem, "The body is longer than the limit of 10 bytes.");
  assert.equal(explain(key, "x".repeat(2 ** 20), signature).code, "signature_mismatch");
  assert.equal(explain(key, "x".repeat(2 ** 20 + 1), signature).code, "body_too_large");
});

test("returns an explanation for keys that no webhook accepts", () => {
  for (const [given, problem] of [
    ["", "The key is empty."],
    [[], "No key was given."],
    [["a", "b", "c", "d", "e"], "5 keys were given, but at most 4 can be used."],
    [undefined, "A key must be a string or a Uint8Array, but this is undefined."],
    [null, "A key must be a string or a Uint8Array, but this is null."],
    [[key, 7], "A key must be a string or a Uint8Array, but this is a number."],
    [{}, "A key must be a string or a Uint8Array, but this is an object."],
  ]) {
    const { fix, ...rest } = explain(given, sample, signature);
    assert.deepEqual(rest, { ok: false, code: "invalid_key", cause: "invalid_key", problem, difference: null });
    assert.match(fix, /\.$/);
  }
});

test("returns an explanation for a body that is not raw", () => {
  const { problem, fix, ...rest } = explain(key, JSON.parse(sample), signature);
  assert.deepEqual(rest, { ok: false, code: "body_not_raw", cause: "body_not_raw", difference: null });
  assert.match(problem, /parsed the body already\.$/);
  assert.match(fix, /^Use walnut-webhooks\/express/);
});

test("returns an explanation for a repeated header", () => {
  for (const header of [[signature, signature], { "X-Walnut-Signature": [signature, signature] }, { "x-walnut-signature": signature, "X-WALNUT-SIGNATURE": signature }]) {
    const { problem, fix, ...rest } = explain(key, sample, header);
    assert.deepEqual(rest, { ok: false, code: "malformed_signature", cause: "malformed_signature", difference: null });
    assert.match(problem, /the request has several/);
    assert.match(fix, /\.$/);
  }
});

test("never throws for the headers of a request", () => {
  const odd = [new Set([1]), new Map([[Symbol(), 1]]), Object.create(null), new DataView(new ArrayBuffer(1)), { a: null, b: 1n, c: {} }, { "\ud800": "\udfff" }];
  for (const header of [...odd, undefined, null]) {
    assert.equal(explain(key, "{}", header).code, "missing_signature", inspect(header));
  }
});

test("throws what the caller's own code throws", () => {
  const get = () => {
    throw new Error("no headers today");
  };
  assert.throws(() => explain(key, sample, { get }), /no headers today/);
});

test("finds a signature under another name, in a Headers and in an object", () => {
  for (const header of [new Headers({ "x-signature": signature, host: "a" }), { host: "a", "x-signature": signature, "set-cookie": ["a"] }]) {
    const { cause, problem } = explain(key, sample, header);
    assert.deepEqual([cause, problem], ["other_header", "The signature is in a header other than X-Walnut-Signature: x-signature."]);
  }
});

test("uses the content encoding, from a Headers and from an object", () => {
  const headers = { "x-walnut-signature": sign("another body"), "content-encoding": "gzip" };
  for (const header of [new Headers(headers), headers]) assert.equal(explain(key, sample, header).cause, "body_decompressed");
  assert.equal(explain(key, sample, sign("another body")).cause, "unknown");
});

test("rejects a webhook of another copy of the package, and says to pass the key", () => {
  const require = createRequire(import.meta.url);
  const [other, own] = [new (require("walnut-webhooks").Webhook)(key), require("walnut-webhooks/explain").explain];
  assert.throws(() => explain(other, sample, signature), { name: "TypeError", message: /another copy of walnut-webhooks.*Pass the key instead\.$/ });
  assert.ok(own(other, sample, signature).ok);
});

test("keeps the key of a webhook out of reach of other code", async () => {
  const webhook = new Webhook([key, "previous"]);
  explain(webhook, sample, signature);
  const shown = inspect([webhook, exported, explaining], { depth: 9, showHidden: true }) + JSON.stringify(webhook);
  assert.ok(!shown.includes(key) && !shown.includes("116, 104, 101"), shown);
  for (let object = webhook; object !== null; object = Object.getPrototypeOf(object)) {
    for (const name of Reflect.ownKeys(object)) assert.ok(!/key/i.test(String(name)), String(name));
  }
});

test("only explain gets the function that reads keys, once it is loaded", async () => {
  const require = createRequire(import.meta.url);
  require("walnut-webhooks/explain");
  const esm = new URL("./", import.meta.resolve("walnut-webhooks"));
  const filesIn = (folder) => readdirSync(folder).map((file) => new URL(file, folder));
  // In mutation tests, each file of the package is a separate module.
  const shared = new URL("shared/", esm);
  const files = existsSync(shared) ? filesIn(shared) : ["keys.js", "explainer.js"].map((file) => new URL(file, esm));
  const copies = [
    { files, webhook: new Webhook(key), load: (url) => import(url) },
    {
      files: filesIn(new URL("cjs/shared/", esm)),
      webhook: new (require("walnut-webhooks").Webhook)(key),
      load: (url) => require(fileURLToPath(url)),
    },
  ];
  for (const { files, webhook, load } of copies) {
    const found = {};
    for (const file of files) Object.assign(found, await load(file));
    assert.equal(found.takeKeyReader()(webhook), undefined);
    // A caller of `explainer` must pass the function that reads keys, so it can't get the key with other WebAssembly.
    if (found.explainer !== undefined) assert.throws(() => found.explainer(() => {})(webhook, sample, {}), TypeError);
    found.offerKeyReader(() => assert.fail("offered a second time"));
    assert.equal(found.takeKeyReader()(webhook), undefined);
  }
  assert.equal(explain(new Webhook(key), sample, signature).ok, true);
});

test("reveals no key and no calculated signature", () => {
  for (const header of [undefined, {}, "bad", signature.slice(0, 40), sign(sample, "another")]) {
    for (const given of [key, `${key}\n`, `KEY=${key}`, `\ufeff“${key}”`, key.replace("'", "&#39;"), [key, "another"]]) {
      const shown = JSON.stringify(explain(given, sample, header));
      for (const secret of [key, signature, sign(sample, `${key}\n`)]) assert.ok(!shown.includes(secret.slice(8, 24)), shown);
    }
  }
});
