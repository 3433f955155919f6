// The edge's configuration: the log names each mistake without a value.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DURABLE, KEY, event, post, start } from "./support.mjs";

const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));

test("rejects settings of durable mode in direct mode", async (t) => {
  const destination = { name: "crm", url: "https://crm.example" };
  for (const [DESTINATIONS, sentence] of [
    [[destination, { ...destination, name: "mail" }], /has more than one entry/],
    [[{ ...destination, events: ["demo_session_finished"] }], /has events/],
    [[{ ...destination, tests: false }], /has tests/],
  ]) {
    const { url, logged } = await start(t, { ORIGIN_URL: undefined, DESTINATIONS });
    assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
    assert.match(JSON.parse(await logged("misconfigured")).mistakes.join(), sentence);
  }
});

/** Starts an edge in durable mode. Returns the mistakes that its log lists after an event. */
async function mistakes(t, bindings) {
  const { url, lines, logged } = await start(t, { ...DURABLE, ...bindings });
  await post(url, sample);
  return { ...JSON.parse(await logged("misconfigured")), lines };
}

test("rejects SETUP in direct mode", async (t) => {
  const { url, logged } = await start(t, { SETUP: "1" });
  assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
  assert.deepEqual(JSON.parse(await logged("misconfigured")).mistakes, [
    "SETUP needs MODE=durable: with MODE=direct, the edge can store nothing",
  ]);
});

test("an edge with an invalid mode fails closed, and its log lists every mistake", async (t) => {
  const { edge, url, origin, lines, logged } = await start(t, {
    WALNUT_WEBHOOK_KEY: "",
    WALNUT_WEBHOOK_KEY_PREVIOUS: "old-and-secret",
    ORIGIN_TIMEOUT: "28001ms",
    MAX_BODY_BYTES: "1572865",
    MODE: "carefree",
    ALLOW_LOOPBACK: true,
    WEBHOOK_PATH: "/admin/hook",
    DESTINATIONS: [{ name: "also", url: "https://old-and-secret.example" }],
    SHARDS: 0,
    JURISDICTION: "mars",
    MAX_EVENT_AGE: "soon",
    MAX_ATTEMPTS: 1001,
    MAX_DELIVERY_AGE: "31d",
    RETENTION: "91d",
    ADMIN_TOKEN: "old-and-secret",
    ALERT_URL: "https://old-and-secret@alerts.example",
    ALERT_SILENCE: "0h",
    SETUP: "old-and-secret",
    QUARANTINE: "old-and-secret",
    CLIENT_IP_HEADER: "old and secret",
    RETENTION_DAYS: 7,
  });
  assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
  assert.equal((await fetch(`${edge.url}/healthz`)).status, 500);
  assert.equal(origin.taken.length, 0);
  const { mistakes } = JSON.parse(await logged("misconfigured"));
  const named = mistakes.map((mistake) => mistake.split(/[ :]/)[0]);
  assert.deepEqual(named, [
    "RETENTION_DAYS",
    "ALLOW_LOOPBACK",
    "MODE",
    "WEBHOOK_PATH",
    "MAX_BODY_BYTES",
    "ORIGIN_TIMEOUT",
    "ORIGIN_URL",
    "SHARDS",
    "JURISDICTION",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "RETENTION",
    "ADMIN_TOKEN",
    "ALERT_URL",
    "ALERT_SILENCE",
    "SETUP",
    "QUARANTINE",
    "CLIENT_IP_HEADER",
    "WALNUT_WEBHOOK_KEY",
    "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL",
  ]);
  assert.ok(!lines.join().includes("old-and-secret"));
});

for (const [subject, bindings, sentence] of [
  ["a misspelt variable", { MAX_ATTEMPT: 3 }, "MAX_ATTEMPT is not a variable of the edge: did you mean MAX_ATTEMPTS?"],
  ["a misspelt secret", { ADMIN_TOKN: "t".repeat(32) }, "ADMIN_TOKN is not a variable of the edge: did you mean ADMIN_TOKEN?"],
  [
    "a misspelt variable with a list",
    { DESTINATION: [{ name: "crm", url: "https://crm.example" }] },
    "DESTINATION is not a variable of the edge: did you mean DESTINATIONS?",
  ],
  [
    "a misspelt event",
    { ORIGIN_URL: undefined, DESTINATIONS: [{ name: "crm", url: "https://crm.example", events: ["demo_sesion_finished"] }] },
    "DESTINATIONS[0].events[0] is almost the name of an event that Walnut sends: did you mean demo_session_finished?",
  ],
  ["a duration without a unit", { MAX_EVENT_AGE: 72 }, "MAX_EVENT_AGE must have a unit, such as 72h: add ms, s, m, h or d"],
  [
    "the former name of a variable",
    { RETENTION_DAYS: 7 },
    "RETENTION_DAYS is now RETENTION, whose value has a unit: remove RETENTION_DAYS, and set RETENTION, such as RETENTION=7d",
  ],
]) {
  test(`the log names ${subject}`, async (t) => {
    assert.deepEqual((await mistakes(t, bindings)).mistakes, [sentence]);
  });
}

test("warns once of variables that have no effect, and still works", async (t) => {
  const { url, lines, logged, caughtUp } = await start(t, { LOG_LEVEL: "debug", QUARANTINE: "0", VERBOSE: true, LIMITS: { a: 1 } });
  for (const body of [event(), event()]) assert.equal((await post(url, body)).status, 200);
  assert.deepEqual(JSON.parse(await logged("configuration_warnings")).warnings, [
    "LOG_LEVEL is not a variable of the edge, and has no effect: remove it",
    "VERBOSE is not a variable of the edge, and has no effect: remove it",
    "QUARANTINE has no effect with MODE=direct, which stores nothing",
  ]);
  await caughtUp();
  assert.equal(lines.filter((line) => line.includes("configuration_warnings")).length, 1);
  assert.ok(!lines.join().includes("misconfigured"));
});

test("writes the mistakes at most once a minute", async (t) => {
  const { edge, url, lines, logged } = await start(t, { MODE: "carefree" });
  for (let count = 0; count < 5; count++) assert.equal((await post(url, sample)).status, 500);
  await logged("misconfigured");
  // The log is complete once the process has ended.
  await edge.stop();
  assert.equal(lines.filter((line) => line.includes("misconfigured")).length, 1);
});

test("the log does not contain a key that was set as another variable", async (t) => {
  const { mistakes: all, lines } = await mistakes(t, { WALNUT_WEBHOOK_KEY: "72h", MAX_EVENT_AGE: KEY });
  assert.match(all.join(), /^MAX_EVENT_AGE must be a duration/);
  assert.ok(!lines.join().includes(KEY));
});

test("rejects a URL that the platform cannot parse when the configuration is read", async (t) => {
  for (const url of ["https://a.xn--_K", "https://[:]/", "a.example", "/path"]) {
    const { mistakes: all } = await mistakes(t, { ORIGIN_URL: url, ALERT_URL: url });
    assert.deepEqual(all.map((mistake) => mistake.split(" ")[0]), ["ORIGIN_URL", "ALERT_URL"]);
  }
});

test("sends events to the checked URL in the form that the platform normalizes it to", async (t) => {
  const { url, origin } = await start(t, (origin) => {
    const { port } = new URL(origin.url);
    return { ORIGIN_URL: ` http:\\\\LOCALHOST:${port}/x/../a b?c ` };
  });
  assert.equal((await post(url, sample)).status, 200);
  assert.equal(origin.taken[0].url, "/a%20b?c");
});

for (const [part, url] of [
  ["a user name", "https://user@a.example/"],
  ["a fragment", "https://a.example/#b"],
  ["a host that only looks like a loopback address", "http://127.0.0.1.a.example/"],
]) {
  test(`rejects a URL with ${part}`, async (t) => {
    const { mistakes: all } = await mistakes(t, { ORIGIN_URL: url });
    assert.deepEqual(all.map((mistake) => mistake.split(" ")[0]), ["ORIGIN_URL"]);
  });
}

test("accepts variables that are numbers, as wrangler.toml writes them", async (t) => {
  const { url } = await start(t, { MAX_BODY_BYTES: sample.length, MAX_ATTEMPTS: 3 });
  assert.equal((await post(url, sample)).status, 200);
  assert.deepEqual(await post(url, Buffer.concat([sample, Buffer.from(" ")])), { status: 413, code: "body_too_large" });
});
