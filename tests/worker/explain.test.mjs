// What is refused for its signature is explained in the log, once a minute at most.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, KEY, event, post, sign, start } from "./support.mjs";

const MISTAKES = [
  ["other_header", "missing_signature", (body) => ({ "x-signature": sign(body) })],
  ["missing_signature", "missing_signature", () => ({})],
  ["signature_uppercase", "malformed_signature", (body) => ({ "x-walnut-signature": sign(body).toUpperCase() })],
  ["body_whitespace", "signature_mismatch", (body) => ({ "x-walnut-signature": sign(`${body}\n`) })],
  ["key_whitespace", "signature_mismatch", (body) => ({ "x-walnut-signature": sign(body) }), `${KEY}\n`],
];

for (const [cause, code, headers, key = KEY] of MISTAKES) {
  test(`${cause} is told by the log, and not by the answer`, async (t) => {
    const { url, logged } = await start(t, { ...DURABLE, WALNUT_WEBHOOK_KEY: key });
    const body = event();
    const response = await fetch(url, { method: "POST", body, headers: headers(body) });
    const answer = await response.json();
    equal(answer.error.code, code);
    const line = JSON.parse(await logged('"explained"'));
    deepEqual([line.code, line.cause], [code, cause]);
    deepEqual(Object.keys(line).sort(), ["cause", "code", "event", "hint"], "nothing of the body is logged");
    // An error that says it all is the explanation.
    ok(line.hint.length > 0);
    equal(answer.error.message.includes(line.hint.slice(0, 20)), cause === code);
    ok(![key, sign(body, KEY), "someone-awesome"].some((secret) => line.hint.includes(secret)));
  });
}

test("of many refusals in a minute, one is explained", async (t) => {
  const { url, lines, caughtUp } = await start(t, DURABLE);
  for (let n = 0; n < 5; n++) equal((await post(url, event(), {})).status, 401);
  await caughtUp();
  equal(lines.filter((line) => line.includes('"explained"')).length, 1);
});
