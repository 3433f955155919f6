import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/fetch";
import * as kit from "walnut-webhooks/testing";

const { demoSession, playlistSession, testEvent, random, sampleDelivery, signedHeaders, signedRequest } = kit;
const required = createRequire(import.meta.url);
const key = "the key of these tests";
const webhook = new Webhook(key);
const names = { demoSession: "demo_session_finished", playlistSession: "playlist_session_finished", testEvent: "demo_session_finished" };
const seeds = Array.from({ length: 50 }, (_, seed) => seed);

test("makes events with their documented shape for any seed", () => {
  for (const [maker, name] of Object.entries(names)) {
    for (const seed of [...seeds, 0xffff_ffff]) {
      const { type, drift, isTest } = sampleDelivery(kit[maker]({}, { seed }));
      assert.deepEqual([type, drift, isTest], [name, [], maker === "testEvent"], `${maker}, ${seed}`);
    }
  }
});

test("makes different events for different seeds", () => {
  assert.equal(new Set(seeds.map((seed) => demoSession({}, { seed }).data.session_id)).size, seeds.length);
});

test("makes the same bytes for the same seed, by import and by require", () => {
  const { demoSession: requiredDemoSession } = required("walnut-webhooks/testing");
  const [one, other] = [demoSession({}, { seed: 7 }), requiredDemoSession({}, { seed: 7 })].map((event) => JSON.stringify(event));
  assert.equal(one, other);
  assert.match(one, /"timestamp":"2026-/);
});

test("without a seed, makes different events in each call, and the same events in each run", () => {
  const script = `
    import { demoSession } from "walnut-webhooks/testing";
    console.log(demoSession().data.session_id, demoSession().data.session_id);`;
  const run = () => execFileSync(process.execPath, ["--input-type=module", "--eval", script], { cwd: import.meta.dirname, encoding: "utf8" }).trim();
  const [first, second] = [run(), run()];
  assert.equal(first, second);
  assert.equal(new Set(first.split(" ")).size, 2);
});

test("gives an event the current time, unless a seed or a time is set", () => {
  const before = Date.now();
  const sent = Date.parse(demoSession().timestamp);
  assert.ok(sent >= before && sent <= Date.now(), `${sent}`);
  const at = Date.UTC(2030, 0, 1);
  for (const time of [at, new Date(at)]) assert.equal(playlistSession({}, { at: time, seed: 1 }).timestamp, "2030-01-01T00:00:00.000000Z");
});

test("overrides fields at any depth and keeps the others", () => {
  const [plain, changed] = [{}, { data: { user: { email: "ada@example.com" }, demo_engagement: { fab_clicks: 99 } }, is_test: true }].map((overrides) =>
    demoSession(overrides, { seed: 7 }),
  );
  const expected = structuredClone(plain);
  expected.data.user.email = "ada@example.com";
  expected.data.demo_engagement.fab_clicks = 99;
  expected.is_test = true;
  assert.equal(JSON.stringify(changed), JSON.stringify(expected));
});

test("leaves out a field whose override is undefined, and keeps null", () => {
  const event = demoSession({ data: { user: { email: undefined }, session_id: undefined, demo_engagement: { last_guide_shown: null } } });
  assert.ok(!("email" in event.data.user) && !("session_id" in event.data));
  assert.equal(event.data.demo_engagement.last_guide_shown, null);
  const delivery = sampleDelivery(event);
  assert.equal(delivery.type, "unknown");
  assert.deepEqual(delivery.drift, [{ path: "data.session_id", kind: "missing", expected: "string", found: null }]);
});

test("gives a playlist the items of the override, and completes each item", () => {
  const items = [{ visited: false }, { name: "Pricing" }, {}, {}, {}, { selected: false }];
  for (const seed of seeds) {
    const event = playlistSession({ data: { items } }, { seed });
    assert.equal(event.data.items.length, items.length);
    assert.deepEqual([event.data.items[0].visited, event.data.items[1].name, event.data.items[5].selected], [false, "Pricing", false]);
    assert.deepEqual(sampleDelivery(event).drift, []);
  }
  assert.deepEqual(playlistSession({ data: { items: [] } }).data.items, []);
});

test("reports added, missing and mistyped fields as drift", () => {
  const event = demoSession({ added: 1, timestamp: undefined, data: { demo: { name: 5 } } });
  const { type, name, drift } = sampleDelivery(event);
  assert.deepEqual([type, name], ["unknown", "demo_session_finished"]);
  assert.deepEqual(drift.map(({ path, kind }) => [path, kind]).sort(), [["added", "added"], ["data.demo.name", "type"], ["timestamp", "missing"]]);
});

test("keeps added fields, also with short names", () => {
  const added = { company: "Example", id: "1", nested: { emial: 1, email: 2 } };
  const { user } = playlistSession({ data: { user: added } }).data;
  assert.deepEqual({ ...user, ...added }, user);
});

test("keeps an override named __proto__ as a field", () => {
  const event = demoSession(JSON.parse('{"__proto__":{"polluted":true}}'));
  assert.deepEqual([event.polluted, {}.polluted, Object.hasOwn(event, "__proto__")], [undefined, undefined, true]);
});

test("makes the delivery that verify returns", () => {
  for (const maker of Object.keys(names)) {
    const event = kit[maker]();
    const body = JSON.stringify(event);
    assert.deepEqual(sampleDelivery(event), webhook.verify(body, webhook.sign(body)));
  }
  const { session_id } = demoSession({}, { seed: 1 }).data;
  assert.equal(sampleDelivery(demoSession({}, { seed: 1 })).id, `demo_session_finished:${session_id}`);
  const unknown = sampleDelivery({ ...demoSession(), event: "demo_session_paused" });
  assert.deepEqual([unknown.type, unknown.name], ["unknown", "demo_session_paused"]);
  assert.match(unknown.id, /^body:[0-9a-f]{64}$/);
});

test("signs with a webhook, a key or the current one of several keys", () => {
  const body = JSON.stringify(demoSession());
  const expected = { "content-type": "application/json", "x-walnut-signature": createHmac("sha256", key).update(body).digest("hex") };
  const { Webhook: RequiredWebhook } = required("walnut-webhooks");
  for (const signer of [webhook, new RequiredWebhook(key), key, new TextEncoder().encode(key), [key, "previous"], new Webhook([key, "previous"])]) {
    assert.deepEqual(signedHeaders(signer, body), expected);
    assert.deepEqual(signedHeaders(signer, new TextEncoder().encode(body)), expected);
  }
  for (const missing of [undefined, null, ""]) assert.throws(() => signedHeaders(missing, body), { code: "invalid_key" });
});

test("makes a request that a handler accepts, and with another key, one that it rejects", async () => {
  const deliveries = [];
  const POST = handler(webhook, (delivery) => void deliveries.push(delivery));
  const event = playlistSession();
  const url = "https://hooks.example.com/walnut";
  const request = signedRequest(webhook, event, { url });
  assert.deepEqual([request.method, request.url, request.headers.get("content-type")], ["POST", url, "application/json"]);
  assert.equal((await POST(request)).status, 200);
  assert.deepEqual(deliveries, [sampleDelivery(event)]);
  assert.equal((await POST(signedRequest("another key", event))).status, 401);
  assert.equal(deliveries.length, 1);
});

test("names signedHeaders if the environment has no Request", (t) => {
  const { Request } = globalThis;
  t.after(() => Object.assign(globalThis, { Request }));
  delete globalThis.Request;
  assert.throws(() => signedRequest(webhook, demoSession()), { message: /needs a global Request.*jsdom.*signedHeaders\(webhook, body\)/ });
});

test("rejects misuse at once, and names the fix", () => {
  for (const [misuse, error] of [
    [() => demoSession({}, { sead: 1 }), { name: "TypeError", message: 'demoSession has no option "sead". Did you mean "seed"?' }],
    [() => playlistSession({ seed: 7 }), { name: "TypeError", message: "seed is an option, not a field of the event. Pass it second: playlistSession({}, { seed: 7 })." }],
    [() => testEvent("a@example.com"), { name: "TypeError", message: /^The overrides of testEvent must be an object, .* but are a string\.$/ }],
    [() => testEvent({}, 7), { name: "TypeError", message: /^The options of testEvent must be an object, such as \{ seed: 7 \}, but are a number\.$/ }],
    [() => demoSession({}, { seed: -1 }), { name: "RangeError", message: "seed must be a whole number from 0 to 4294967295, but is -1." }],
    [() => demoSession({}, { seed: 2 ** 32 }), { name: "RangeError" }],
    [() => demoSession({}, { at: new Date("no date") }), { name: "RangeError", message: /^at must be a Date or a number of milliseconds since the Unix epoch/ }],
    [() => demoSession({}, { at: Date.UTC(10_000, 0, 1) }), { name: "RangeError" }],
    [() => demoSession({}, { at: new Date(-1) }), { name: "RangeError" }],
    ...[null, "", "0", [], true, {}, 7n].map((at) => [() => demoSession({}, { at }), { name: "TypeError", message: /^at must be a Date or a number .*, but is (null|an? \w+)\.$/ }]),
    [() => demoSession({ at: 0 }), { name: "TypeError", message: "at is an option, not a field of the event. Pass it second: demoSession({}, { at: new Date() })." }],
    [() => demoSession({ timestamp: new Date() }), { name: "TypeError", message: "timestamp in the overrides of demoSession must be JSON, but is a Date. Pass date.toISOString()." }],
    [() => demoSession({ data: { demo_engagement: { fab_clicks: 7n } } }), { name: "TypeError", message: "data.demo_engagement.fab_clicks in the overrides of demoSession must be JSON, but is a bigint. Pass a number." }],
    [() => playlistSession({ data: { items: [{}, { added: NaN }] } }), { name: "TypeError", message: "data.items[1].added in the overrides of playlistSession must be JSON, but is NaN." }],
    ...[new Map(), new Uint8Array(), () => {}, Symbol()].map((data) => [() => demoSession({ data }), { name: "TypeError", message: /^data in the overrides of demoSession must be JSON/ }]),
    [() => demoSession({ data: { user: { emial: "" } } }), { name: "TypeError", message: 'demoSession has no field "data.user.emial". Did you mean "email"? To add a field of this name, set it on the event that demoSession returns.' }],
    [() => playlistSession({ data: { items: [{ visted: false }] } }), { name: "TypeError", message: /has no field "data\.items\[0\]\.visted"\. Did you mean "visited"\?/ }],
    [() => testEvent({ istest: true }), { name: "TypeError", message: /Did you mean "is_test"\?/ }],
    [() => demoSession({ email: "" }), { name: "TypeError", message: 'demoSession has no field "email" at the top of the event. Pass { data: { user: { email: … } } }.' }],
    [() => playlistSession({ session_id: "" }), { name: "TypeError", message: /Pass \{ data: \{ session_id: … \} \}\./ }],
    [() => signedHeaders(webhook, demoSession()), { name: "TypeError", message: /Pass JSON\.stringify\(event\), and send exactly that text\.$/ }],
    [() => signedRequest(webhook, JSON.stringify(demoSession())), { name: "TypeError", message: /this is a string\. To sign a raw body, use signedHeaders/ }],
    [() => signedRequest(demoSession(), webhook), { code: "invalid_key" }],
    [() => signedRequest(webhook, demoSession(), { uri: "https://a" }), { name: "TypeError", message: 'signedRequest has no option "uri". Did you mean "url"?' }],
    [() => sampleDelivery(undefined), { name: "TypeError", message: /needs an event, such as demoSession\(\), but this is undefined/ }],
    [() => sampleDelivery([]), { name: "TypeError", message: /this is an array/ }],
  ]) {
    assert.throws(misuse, error);
  }
});

test("gives the same random numbers for the same seed", () => {
  const draw = (seed) => Array.from({ length: 3 }, random(seed));
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  for (const number of draw(7)) assert.ok(number >= 0 && number < 1);
});
