// The edge's configuration: a mistake stops it, and the log names each mistake without a secret.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { KEY, post, start } from "./support.mjs";

const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));

test("rejects settings of durable mode in direct mode", async (t) => {
  const destination = { name: "crm", url: "https://crm.example" };
  for (const [DESTINATIONS, sentence] of [
    [[destination, { ...destination, name: "mail" }], /has more than one entry/],
    [[{ ...destination, events: ["demo_session_finished"] }], /has events/],
  ]) {
    const { url, logged } = await start(t, { ORIGIN_URL: undefined, DESTINATIONS });
    assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
    assert.match(JSON.parse(await logged("misconfigured")).mistakes.join(), sentence);
  }
});

test("a misconfigured edge fails closed, and its log lists every mistake", async (t) => {
  const { edge, url, origin, lines, logged } = await start(t, {
    WALNUT_WEBHOOK_KEY: "",
    WALNUT_WEBHOOK_KEY_PREVIOUS: "old-and-secret",
    ORIGIN_TIMEOUT_MS: 28001,
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
    RETENTION_DAYS: 91,
    ADMIN_TOKEN: "old-and-secret",
    ALERT_URL: "https://old-and-secret@alerts.example",
    ALERT_SILENCE_HOURS: 0,
  });
  assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
  assert.equal((await fetch(`${edge.url}/healthz`)).status, 500);
  assert.equal(origin.taken.length, 0);
  const { mistakes } = JSON.parse(await logged("misconfigured"));
  const named = mistakes.map((mistake) => mistake.split(/[ :]/)[0]);
  assert.deepEqual(named, [
    "ALLOW_LOOPBACK",
    "MODE",
    "WEBHOOK_PATH",
    "MAX_BODY_BYTES",
    "ORIGIN_TIMEOUT_MS",
    "ORIGIN_URL",
    "SHARDS",
    "JURISDICTION",
    "MAX_EVENT_AGE",
    "MAX_ATTEMPTS",
    "MAX_DELIVERY_AGE",
    "RETENTION_DAYS",
    "ADMIN_TOKEN",
    "ALERT_URL",
    "ALERT_SILENCE_HOURS",
    "WALNUT_WEBHOOK_KEY",
    "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL",
  ]);
  assert.ok(!lines.join().includes("old-and-secret"));
});

test("the log does not contain a key that was set as another variable", async (t) => {
  const { url, lines, logged } = await start(t, { WALNUT_WEBHOOK_KEY: "72h", MAX_EVENT_AGE: KEY });
  assert.deepEqual(await post(url, sample), { status: 500, code: "misconfigured" });
  assert.match(JSON.parse(await logged("misconfigured")).mistakes.join(), /^MAX_EVENT_AGE must be a duration/);
  assert.ok(!lines.join().includes(KEY));
});

test("rejects a URL that the platform cannot parse when the configuration is read", async (t) => {
  for (const url of ["https://a.xn--_K", "https://[:]/", "a.example", "/path"]) {
    const edge = await start(t, { ORIGIN_URL: url, ALERT_URL: url });
    assert.deepEqual(await post(edge.url, sample), { status: 500, code: "misconfigured" });
    const { mistakes } = JSON.parse(await edge.logged("misconfigured"));
    assert.deepEqual(mistakes.map((mistake) => mistake.split(" ")[0]), ["ORIGIN_URL", "ALERT_URL"]);
  }
});

test("requests the URL that was checked, as the platform writes it", async (t) => {
  const { url, origin } = await start(t, (origin) => {
    const { port } = new URL(origin.url);
    return { ORIGIN_URL: ` http:\\\\LOCALHOST:${port}/x/../a b?c ` };
  });
  assert.equal((await post(url, sample)).status, 200);
  assert.equal(origin.taken[0].url, "/a%20b?c");
});

for (const [what, url] of [
  ["a user name", "https://user@a.example/"],
  ["a fragment", "https://a.example/#b"],
  ["a host that only looks like a loopback address", "http://127.0.0.1.a.example/"],
]) {
  test(`rejects a URL with ${what}`, async (t) => {
    const edge = await start(t, { ORIGIN_URL: url });
    assert.deepEqual(await post(edge.url, sample), { status: 500, code: "misconfigured" });
    const { mistakes } = JSON.parse(await edge.logged("misconfigured"));
    assert.deepEqual(mistakes.map((mistake) => mistake.split(" ")[0]), ["ORIGIN_URL"]);
  });
}

test("variables may be numbers, as wrangler.toml writes them", async (t) => {
  const { url } = await start(t, { MAX_BODY_BYTES: sample.length, ORIGIN_TIMEOUT_MS: 10000 });
  assert.equal((await post(url, sample)).status, 200);
  assert.deepEqual(await post(url, Buffer.concat([sample, Buffer.from(" ")])), { status: 413, code: "body_too_large" });
});
