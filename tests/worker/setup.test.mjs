// Set-up in Walnut's order: the endpoint is saved, and must answer, before there is a key.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { address, each, HOUR, MINUTE, NEW_KEY, quarantine, tiny, WALNUT } from "./quarantine.mjs";
import { replace } from "./storage.mjs";
import { event, post, sign } from "./support.mjs";

const NO_KEY = { WALNUT_WEBHOOK_KEY: undefined };
const SETUP = { ...NO_KEY, SETUP: "1" };

const health = async ({ edge }) => {
  const response = await fetch(`${edge.url}/healthz`);
  return [response.status, await response.json()];
};

/** Waits until the inbox has counted `count` requests under `code`. */
async function counted(world, code, count) {
  for (let end = Date.now() + 30_000; ; ) {
    const { failures } = await world.ask("GET", "status");
    if (failures[code] === count) return;
    if (Date.now() > end) equal(failures[code], count, code);
  }
}

/** Checks that the destination receives each body once, and nothing else. */
async function delivered(world, bodies) {
  await world.origin.took(bodies.length);
  for (const id of await world.ids("?limit=200")) await world.until(id, "delivered");
  deepEqual(world.origin.taken.map(({ body }) => body.toString()).sort(), [...bodies].sort());
}

test("set-up in Walnut's order loses no signed event", async (t) => {
  const world = await quarantine(t, SETUP);
  deepEqual(await health(world), [200, { ok: true, status: "setup" }]);
  // When the endpoint is saved, Walnut sends an unsigned probe.
  for (const body of ["", "{}", event()]) {
    equal((await post(world.url, body, { "cf-connecting-ip": WALNUT })).status, 200);
  }
  // Then Walnut creates the key, and sends events.
  const bodies = [event({ is_test: true }), ...Array.from({ length: 60 }, () => event())];
  for (const body of bodies) equal((await world.send(body)).status, 200);
  const { warnings } = await world.holds({ kept: bodies.length, recovered: 0 });
  deepEqual(warnings.filter((warning) => warning.includes("SETUP")), []);
  // An isolate reports once a minute.
  await world.pass(MINUTE);
  equal((await post(world.url, "{}", {})).status, 200);
  await counted(world, "unsigned", 4);
  const [entry] = await world.rejected();
  deepEqual([entry.code, entry.cause], ["accepted", "no_key"]);
  match(entry.fix, /WALNUT_WEBHOOK_KEY/);
  equal(world.origin.taken.length, 0);
  const to = Date.now();

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  deepEqual(await health(world), [200, { ok: true }]);
  await world.edge.scheduled();
  const status = await world.holds({ kept: 0, recovered: bodies.length });
  ok(status.warnings.some((warning) => warning.includes("SETUP")), "SETUP is still set");
  await delivered(world, bodies);
  const { deliveries } = await world.ask("GET", "deliveries?limit=200");
  ok(deliveries.every(({ received }) => received <= to), "received during set-up");
});

test("a kept event of the set-up is answered only once it is stored", async (t) => {
  const world = await quarantine(t, SETUP);
  const bodies = Array.from({ length: 20 }, () => event());
  await each(bodies, async (body) => equal((await world.send(body)).status, 200));
  world.edge.kill();
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 20 });
  await delivered(world, bodies);
});

test("an edge whose key is deleted later is misconfigured, regardless of SETUP", async (t) => {
  const world = await quarantine(t, SETUP);
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  const first = event();
  equal((await world.send(first)).status, 200);
  await delivered(world, [first]);

  await world.reset(NO_KEY);
  const body = event();
  deepEqual(await world.send(body), { status: 500, code: "misconfigured" });
  deepEqual(await post(world.url, "{}", {}), { status: 500, code: "misconfigured" });
  const [status, { error }] = await health(world);
  deepEqual([status, error.code], [500, "misconfigured"]);
  const { mistakes } = await world.holds({ kept: 1 });
  ok(mistakes.some((mistake) => mistake.includes("SETUP has no effect")), "the reason is stated");

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  await delivered(world, [first, body]);
});

test("a key that only the cron trigger has seen ends the set-up", async (t) => {
  const world = await quarantine(t, SETUP);
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.reset(NO_KEY);
  deepEqual(await world.send(event()), { status: 500, code: "misconfigured" });
});

test("an inbox that stored deliveries before the upgrade is not in set-up", async (t) => {
  const world = await quarantine(t, SETUP);
  await world.edge.scheduled();
  await world.restart((storage) => replace(storage, "1.sql"));
  for (const headers of [{}, { "x-walnut-signature": sign("", NEW_KEY) }]) {
    deepEqual(await post(world.url, "{}", headers), { status: 500, code: "misconfigured" });
  }
  equal((await health(world))[0], 500);
});

test("a scanner that sends requests before Walnut causes no delivery and no loss", async (t) => {
  const world = await quarantine(t, SETUP);
  const from = { "cf-connecting-ip": "203.0.113.66" };
  const signature = "0".repeat(64);
  equal((await post(world.url, "<script>", from)).status, 200);
  for (const malformed of ["x", "0".repeat(63), "A".repeat(64), `${signature}, ${signature}`]) {
    deepEqual(await post(world.url, event(), { ...from, "x-walnut-signature": malformed }), { status: 401, code: "malformed_signature" });
  }
  const got = await fetch(world.url, { headers: from });
  equal(got.status, 405);
  await got.text();
  // A body that can't be an event is not kept, and not answered 200.
  for (const garbage of ["", "garbage", "[]", '{"event":1}', "\xff"]) {
    deepEqual(await post(world.url, garbage, { ...from, "x-walnut-signature": signature }), { status: 503, code: "store_failed" });
  }
  const forged = event();
  equal((await post(world.url, forged, { ...from, "x-walnut-signature": signature })).status, 200);
  const genuine = event();
  equal((await world.send(genuine)).status, 200);
  await world.holds({ kept: 2 });

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY, SETUP: undefined });
  await world.edge.scheduled();
  await world.holds({ kept: 1, recovered: 1 });
  await delivered(world, [genuine]);
  equal((await world.rejected())[0].cause, "unknown_key");
  await world.pass(48 * HOUR);
  await world.holds({ kept: 0, recovered: 1 });
});

test("answers 503 if the quarantine is full, and removes no kept request", async (t) => {
  const world = await quarantine(t, SETUP);
  const bodies = Array.from({ length: 100 }, () => tiny());
  for (const body of bodies) equal((await world.send(body)).status, 200);
  deepEqual(await world.send(event()), { status: 503, code: "store_failed" });
  // An isolate that got no room does not ask for a minute.
  await world.pass(MINUTE);
  // Walnut's retry of a kept request is acknowledged.
  equal((await world.send(bodies[0])).status, 200);
  const other = event();
  equal((await world.send(other, { ip: address(7) })).status, 200);
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 101 });
  await delivered(world, [...bodies, other]);
});

test("a scanner that has used up its room blocks no other sender", async (t) => {
  const world = await quarantine(t, SETUP);
  const scanner = { ip: address(66) };
  for (let n = 0; n < 100; n++) equal((await world.send(tiny(), scanner)).status, 200);
  deepEqual(await world.send(tiny(), scanner), { status: 503, code: "store_failed" });
  equal((await world.send(event())).status, 200);
});

test("SETUP with QUARANTINE=0 acknowledges no signed event, because it can keep none", async (t) => {
  const world = await quarantine(t, { ...SETUP, QUARANTINE: "0" });
  deepEqual(await world.send(event()), { status: 503, code: "store_failed" });
  equal((await post(world.url, "{}", {})).status, 200);
});

test("SETUP is a mistake in direct mode", async (t) => {
  const world = await quarantine(t, { ...SETUP, MODE: "direct" });
  deepEqual(await world.send(event()), { status: 500, code: "misconfigured" });
  deepEqual(await post(world.url, "{}", {}), { status: 500, code: "misconfigured" });
  match(await world.logged('"misconfigured"', "SETUP"), /"mistakes"/);
});

test("without a key and without SETUP, a signed event is answered 500, kept, and delivered once the key is set", async (t) => {
  const world = await quarantine(t, NO_KEY);
  const body = event();
  deepEqual(await world.send(body), { status: 500, code: "misconfigured" });
  deepEqual(await world.send(body), { status: 500, code: "misconfigured" });
  deepEqual(await post(world.url, event(), {}), { status: 500, code: "misconfigured" });
  deepEqual(await post(world.url, event(), { "x-walnut-signature": "x" }), { status: 500, code: "misconfigured" });
  await world.holds({ kept: 1, bytes: Buffer.byteLength(body) });
  const [entry] = await world.rejected();
  deepEqual([entry.code, entry.cause], ["misconfigured", "no_key"]);
  const { explained, signature } = await world.ask("GET", `rejected/${entry.id}`);
  deepEqual([explained.cause, signature], ["invalid_key", sign(body, NEW_KEY)]);
  equal((await world.ask("POST", `rejected/${entry.id}/deliver`)).code, "not_verified");

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  await delivered(world, [body]);
  // Walnut's last retry.
  equal((await world.send(body)).status, 200);
  await world.logged('"duplicate"', JSON.parse(body).data.session_id);
});
