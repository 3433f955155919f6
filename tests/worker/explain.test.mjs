// The log explains why a signature was rejected, at most twice a minute.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, KEY, event, half, post, sign, start } from "./support.mjs";

const MISTAKES = [
  ["other_header", "missing_signature", (body) => ({ "x-signature": sign(body) })],
  ["missing_signature", "missing_signature", () => ({})],
  ["signature_uppercase", "malformed_signature", (body) => ({ "x-walnut-signature": sign(body).toUpperCase() })],
  ["body_whitespace", "signature_mismatch", (body) => ({ "x-walnut-signature": sign(`${body}\n`) })],
  ["key_whitespace", "signature_mismatch", (body) => ({ "x-walnut-signature": sign(body) }), `${KEY}\n`],
];

for (const [cause, code, headers, key = KEY] of MISTAKES) {
  test(`the log explains ${cause}, and the response says only its code`, async (t) => {
    const { url, logged } = await start(t, { ...DURABLE, WALNUT_WEBHOOK_KEY: key });
    const body = event();
    const response = await fetch(url, { method: "POST", body, headers: headers(body) });
    const answer = await response.json();
    equal(answer.error.code, code);
    const line = JSON.parse(await logged('"explained"'));
    deepEqual([line.code, line.cause], [code, cause]);
    deepEqual(Object.keys(line).sort(), ["cause", "code", "event", "fix", "problem"], "the line has no other field, so no part of the body");
    for (const text of [line.problem, line.fix]) match(text, /^[A-Z].*\.$/);
    equal(answer.error.message.includes(line.problem), cause === code);
    ok(![key, sign(body, KEY), "someone-awesome"].some((secret) => `${line.problem} ${line.fix}`.includes(secret)));
  });
}

test("explains one mismatch and one missing or malformed signature a minute", async (t) => {
  const { url, lines, caughtUp } = await start(t, DURABLE);
  for (const signature of [undefined, "short", sign("another")]) {
    const headers = signature === undefined ? {} : { "x-walnut-signature": signature };
    for (let n = 0; n < 3; n++) equal((await post(url, event(), headers)).status, 401);
  }
  await caughtUp();
  const explained = lines.filter((line) => line.includes('"explained"')).map((line) => JSON.parse(line).code);
  deepEqual(explained, ["missing_signature", "signature_mismatch"]);
});

/** Returns the log's explanation of a request. */
const explained = async ({ logged }) => JSON.parse(await logged('"explained"'));
const NOT_EXAMINED = /^The body was not examined/;

for (const [cause, code, headers] of MISTAKES.filter(([, code]) => code !== "signature_mismatch")) {
  test(`a body over 64 KiB is not explained as an empty one: ${cause}`, async (t) => {
    for (const [bytes, expected] of [[65536, cause], [65537, "unknown"]]) {
      const world = await start(t, DURABLE);
      const body = event({ padding: "x".repeat(bytes - event({ padding: "" }).length) });
      equal(body.length, bytes);
      equal((await post(world.url, body, headers(body))).code, code);
      const line = await explained(world);
      deepEqual([line.code, line.cause, NOT_EXAMINED.test(line.problem)], [code, expected, bytes > 65536]);
    }
  });
}

for (const [how, ends] of [["does not arrive in time", false], ["is incomplete", true]]) {
  test(`a body that ${how} is not explained as an empty one`, async (t) => {
    const world = await start(t, DURABLE);
    const body = event();
    const lines = [`X-Signature: ${sign(body)}`, `Content-Length: ${body.length}`];
    const socket = half(t, world.edge, lines, body.slice(0, 100));
    if (ends) socket.end();
    const line = await explained(world);
    deepEqual([line.code, line.cause, NOT_EXAMINED.test(line.problem)], ["missing_signature", "unknown", true]);
  });
}

test("does not examine headers beyond 8 KiB", async (t) => {
  for (const [bytes, cause] of [[6000, "other_header"], [8192, "missing_signature"]]) {
    const { url, logged } = await start(t, DURABLE);
    const body = event();
    // The platform sorts headers by name, so the long one is first.
    equal((await post(url, body, { "a-long-one": "x".repeat(bytes), "x-signature": sign(body) })).status, 401);
    equal(JSON.parse(await logged('"explained"')).cause, cause);
  }
});
