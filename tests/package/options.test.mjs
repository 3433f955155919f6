// The options of a Webhook: the values that each accepts, and the error for a wrong one.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { Webhook } from "walnut-webhooks";

const key = "the key of these tests";
const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
const signature = new Webhook(key).sign(sample);

/** Returns the error that a call throws. */
function thrown(call) {
  try {
    call();
  } catch (error) {
    return error;
  }
}

/** Returns the code of the error that a call throws. */
const code = (call) => thrown(call)?.code;

/** Returns the name, the status and the message of the error that a call throws. */
function message(call) {
  const { name, status, message } = thrown(call);
  return `${name} ${status} ${message}`;
}

test("rejects an option out of its range or of the wrong type, and states the expected value", () => {
  const range = "must be a whole number from 0 to";
  for (const [option, bad, expected] of [
    ["maxBodyBytes", -1, `RangeError undefined maxBodyBytes ${range} 2147483647, but is -1.`],
    ["maxBodyBytes", 2 ** 31, `RangeError undefined maxBodyBytes ${range} 2147483647, but is 2147483648.`],
    ["maxBodyBytes", "1048576", `TypeError undefined maxBodyBytes ${range} 2147483647, but is the string "1048576". Pass Number("1048576").`],
    ["maxBodyBytes", "1 MiB", `TypeError undefined maxBodyBytes ${range} 2147483647, but is the string "1 MiB".`],
    ["maxBodyBytes", "", `TypeError undefined maxBodyBytes ${range} 2147483647, but is the string "".`],
    ["maxAge", 0.5, `RangeError undefined maxAge ${range} 9007199254740991, but is 0.5.`],
    ["maxAge", null, `TypeError undefined maxAge ${range} 9007199254740991, but is null.`],
    ["maxAge", 5n, `TypeError undefined maxAge ${range} 9007199254740991, but is a bigint.`],
    ["maxAge", [5], `TypeError undefined maxAge ${range} 9007199254740991, but is an array.`],
    ["skew", NaN, `RangeError undefined skew ${range} 9007199254740991, but is NaN.`],
    ["requireTimestamp", "yes", "TypeError undefined requireTimestamp must be true or false, but is a string."],
    ["now", 7, "TypeError undefined now must be a function, but is a number."],
  ]) {
    assert.equal(message(() => new Webhook(key, { [option]: bad })), expected);
  }
});

test("rejects options that are misspelt or not an object, and names the nearest option", () => {
  const all = "Its options are maxBodyBytes, maxAge, requireTimestamp, skew, now.";
  for (const [name, hint] of [
    ["maxage", 'Did you mean "maxAge"?'],
    ["max_age", 'Did you mean "maxAge"?'],
    ["maxAges", 'Did you mean "maxAge"?'],
    ["maxBodyByte", 'Did you mean "maxBodyBytes"?'],
    ["requiretimestamp", 'Did you mean "requireTimestamp"?'],
    ["nwo", 'Did you mean "now"?'],
    ["tolerance", all],
    ["constructor", all],
  ]) {
    assert.equal(message(() => new Webhook(key, { [name]: 300 })), `TypeError undefined Webhook has no option "${name}". ${hint}`);
  }
  for (const [options, kind] of [[300_000, "a number"], [null, "null"], [["maxAge"], "an array"], [new Map([["maxAge", 1]]), "a Map"], [new Webhook(key), "a Webhook"], [() => 5, "a function"]]) {
    const expected = `TypeError undefined The options of Webhook must be an object, such as { maxAge: 259200000 }, but are ${kind}.`;
    assert.equal(message(() => new Webhook(key, options)), expected);
  }
});

test("rejects a clock that returns no number", () => {
  for (const [value, kind] of [[NaN, "a number"], [undefined, "undefined"], ["1700000000000", "a string"], [Promise.resolve(0), "a Promise"], [Infinity, "a number"]]) {
    const its = new Webhook(key, { maxAge: 1000, now: () => value });
    assert.equal(message(() => its.verify(sample, signature)), `TypeError undefined now must return milliseconds, but returned ${kind}.`);
  }
});

test("treats an option that is undefined as not set", () => {
  const unset = { maxBodyBytes: undefined, maxAge: undefined, requireTimestamp: undefined, skew: undefined, now: undefined };
  const its = new Webhook(key, unset);
  assert.equal(its.maxBodyBytes, 1 << 20);
  assert.equal(its.verify(sample, signature).keyIndex, 0);
});

test("rejects an event without a readable timestamp if requireTimestamp is set", () => {
  const timestamps = [undefined, null, 7, "", "yesterday", "2023-11-01", "2023-11-01T19:15:20"];
  const readable = "2023-11-01T19:15:20.666248Z";
  const required = new Webhook(key, { requireTimestamp: true });
  const both = new Webhook(key, { requireTimestamp: true, maxAge: 1000, now: () => Date.parse(readable) });
  const verify = (its, timestamp) => {
    const body = JSON.stringify({ event: "e", timestamp });
    return its.verify(body, its.sign(body));
  };
  for (const timestamp of timestamps) {
    for (const its of [required, both]) assert.equal(code(() => verify(its, timestamp)), "stale", inspect(timestamp));
    const without = new Webhook(key, { maxAge: 1000, now: () => 0 });
    assert.equal(code(() => verify(without, timestamp)), undefined, inspect(timestamp));
  }
  assert.equal(message(() => verify(required)), "WebhookError 400 The event has no readable timestamp, and requireTimestamp is set. Check what the sender signed.");
  for (const its of [required, both]) assert.equal(verify(its, readable).timestamp, readable);
  assert.equal(code(() => verify(both, "2023-11-01T19:15:18Z")), "stale");
  assert.equal(code(() => verify(required, "2003-11-01T19:15:18Z")), undefined);
});
