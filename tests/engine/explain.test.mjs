// The memory that `explain` leaves, and its behaviour after an error in the middle of its WebAssembly.
import { collected, instancesStarted, memoriesHeld, memoryBytes } from "./support.mjs";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { explain } from "walnut-webhooks/explain";

const key = "opensesame";
const body = '{"event": "e"}';
const signature = createHmac("sha256", key).update('{"event":"e"}').digest("hex");

const assertWorks = () => assert.equal(explain([key, "previous"], body, { "x-walnut-signature": signature }).cause, "body_reformatted");

// A module whose function is `unreachable`.
const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11];
const { trap } = (await WebAssembly.instantiate(new Uint8Array(bytes))).instance.exports;

const { set } = Uint8Array.prototype;

/**
 * Makes a call fail in the middle, when the WebAssembly copies a key. Keeps no reference to the error, because the error
 * would keep its instance alive.
 */
function failsWith(fail, expected) {
  Uint8Array.prototype.set = fail;
  try {
    assert.throws(assertWorks, (error) => error instanceof expected && error.code === undefined);
  } finally {
    Uint8Array.prototype.set = set;
  }
}

const failures = {
  "a trap": [trap, WebAssembly.RuntimeError],
  "an error of the host": [() => { throw new Error("no copy today"); }, Error],
  "a full stack": [function full() { full(); }, RangeError],
};

for (const [name, [fail, expected]] of Object.entries(failures)) {
  test(`throws ${name} unchanged, and uses a fresh instance for the next call`, async () => {
    assertWorks();
    const before = instancesStarted();
    failsWith(fail, expected);
    assertWorks();
    assertWorks();
    assert.equal(instancesStarted(), before + 1);
    assert.ok(await collected(() => memoriesHeld() === 1), `${memoriesHeld()} memories`);
  });
}

test("works when the getter of a header calls explain during a call", () => {
  const headers = {
    get host() {
      assertWorks();
      return "a";
    },
  };
  assert.equal(explain(key, body, headers).cause, "missing_signature");
  assertWorks();
});

test("frees each of 1,000 instances that trapped", async () => {
  for (let count = 0; count < 1_000; count++) {
    failsWith(trap, WebAssembly.RuntimeError);
    assertWorks();
  }
  assert.ok(await collected(() => memoriesHeld() === 1), `${memoriesHeld()} memories`);
});

test("frees the memory of 10,000 calls", () => {
  const explained = () => {
    explain([key, "previous"], body, signature);
    explain("", body, signature);
    explain(`${key}\n`, body, { "x-signature": signature });
  };
  for (let count = 0; count < 100; count++) explained();
  const before = memoryBytes();
  for (let count = 0; count < 10_000; count++) explained();
  assert.equal(memoryBytes(), before);
});
