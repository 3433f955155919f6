// A key reset loses nothing: requests that the edge rejects because no key matches are kept, and delivered once the key
// is set.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { deliveredOnce, deliveries, each, FORGED, HOUR, idOf, NEW_KEY, quarantine, session, WALNUT } from "./quarantine.mjs";
import { event, KEY, sign, startOrigin, TOKEN } from "./support.mjs";

/**
 * Posts bodies like Walnut, which repeats a request without a response. The process is killed before each body whose
 * index is in `kills`. Returns how often each error code was answered.
 */
async function sendThroughKills(world, bodies, kills) {
  let restarted = Promise.resolve();
  const kill = async () => {
    world.edge.kill();
    await world.restart();
  };
  const codes = new Map();
  await each(bodies, async (body, n) => {
    if (kills.includes(n)) restarted = restarted.then(kill);
    for (let answer; answer === undefined; ) {
      await restarted;
      answer = await world.send(body).catch(() => undefined);
      if (answer) codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1);
    }
  });
  await restarted;
  return Object.fromEntries(codes);
}

test("a key reset loses none of 500 events, through two kills", { timeout: 600_000 }, async (t) => {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await quarantine(t, { ALERT_URL: alerts.url });
  const before = await world.genuine();
  await world.until((await world.ids())[0], "delivered");
  const from = Date.now();
  const bodies = Array.from({ length: 500 }, () => event());
  deepEqual(await sendThroughKills(world, bodies, [150, 350]), { signature_mismatch: 500 });
  // Walnut retries rejected events. A request may have been lost by a kill after its response and before it was kept.
  deepEqual(await sendThroughKills(world, bodies, []), { signature_mismatch: 500 });
  await world.holds({ kept: 500, recovered: 0 });
  const to = Date.now();
  equal(world.origin.taken.length, 1, "no kept request is sent");
  const [entry] = await world.rejected();
  deepEqual([entry.code, entry.cause], ["signature_mismatch", "unknown_key"]);
  match(await world.logged('"kept"'), /^{"event":"kept","code":"signature_mismatch"}$/);

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  const status = await world.holds({ kept: 0, bytes: 0, recovered: 500, dropped: 0 });
  deepEqual(await world.rejected(), []);
  await world.origin.took(501);
  equal(await deliveredOnce(world, bodies, from, to), 500, "each is sent once");
  equal(status.deliveries.variant ?? 0, 0);

  const lines = world.lines.filter((line) => line.includes('"recovered_from_quarantine"')).map((line) => JSON.parse(line));
  equal(lines.reduce((sum, { count }) => sum + count, 0), 500);
  const alert = JSON.parse((await alerts.took(1)).body);
  equal(alert.cause, "recovered_from_quarantine");

  const captured = bodies[250];
  equal((await world.send(captured, { ip: "198.51.100.7" })).status, 200);
  await world.logged('"duplicate"', session(captured));
  equal((await world.send(before, { key: KEY })).code, "signature_mismatch");
  const all = await deliveries(world);
  equal(all.find(({ id }) => id === idOf(captured)).duplicates, 1);
  equal(all.length, 501);
  equal(world.origin.taken.length, 501);
});

test("while the key changes twice, requests that another key signed stay kept", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const first = event();
  equal((await world.send(first)).code, "signature_mismatch");
  await world.holds({ kept: 1 });

  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  const old = event();
  equal((await world.send(old, { key: KEY })).code, "signature_mismatch");
  await world.holds({ kept: 1, recovered: 1 });

  await world.reset({ WALNUT_WEBHOOK_KEY: KEY });
  const last = event();
  equal((await world.send(last)).code, "signature_mismatch");
  await world.edge.scheduled();
  await world.holds({ kept: 1, recovered: 2 });
  const [waiting, ...none] = await world.rejected();
  deepEqual([waiting.cause, waiting.code, none], ["unknown_key", "signature_mismatch", []]);
  const { body } = await world.ask("GET", `rejected/${waiting.id}`);
  equal(body.text, last);
  await deliveredOnce(world, [first, old], 0, Date.now());
  equal((await deliveries(world)).length, 3);
});

test("a key that was set and unset between two starts changes nothing", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const body = event();
  await world.send(body);
  await world.holds({ kept: 1 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  world.edge.kill();
  await world.reset({ WALNUT_WEBHOOK_KEY: KEY });
  await world.edge.scheduled();
  const { quarantine: counts } = await world.ask("GET", "status");
  equal(counts.kept + counts.recovered, 1, "the request is kept, or was recovered while its key was set");
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 1 });
  await deliveredOnce(world, [body], 0, Date.now());
});

test("a leaked key that is set as previous again admits nothing automatically", async (t) => {
  const LEAKED = "the key that leaked";
  const world = await quarantine(t);
  await world.genuine();
  const forged = event();
  equal((await world.send(forged, { key: LEAKED })).code, "signature_mismatch");
  await world.holds({ kept: 1 });
  const [{ id }] = await world.rejected();
  const early = await world.ask("POST", `rejected/${id}/deliver`);
  deepEqual([early.status, early.code], [409, "not_verified"]);

  await world.reset({
    WALNUT_WEBHOOK_KEY: NEW_KEY,
    WALNUT_WEBHOOK_KEY_PREVIOUS: LEAKED,
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + HOUR).toISOString(),
  });
  const ours = event();
  equal((await world.send(ours)).status, 200);
  await world.edge.scheduled();
  await world.until((await world.ids())[0], "delivered");
  await world.holds({ kept: 1, recovered: 0 });
  const [waiting] = await world.rejected();
  deepEqual([waiting.id, waiting.cause], [id, "previous_key"]);
  equal((await deliveries(world)).length, 2);

  const delivered = await world.ask("POST", `rejected/${id}/deliver`);
  deepEqual([delivered.status, delivered.stored], [200, "accepted"]);
  const delivery = await world.until((await world.ids())[0], "delivered");
  deepEqual([delivery.id, delivery.received, delivery.signedWith], [idOf(forged), waiting.received, "previous"]);
  equal((await world.ask("POST", `rejected/${id}/deliver`)).status, 404);
  await world.holds({ kept: 0 });
  equal((await world.send(forged, { key: LEAKED })).status, 200);
  await world.logged('"duplicate"', session(forged));
});

test("a leaked key that is set as previous without a valid end verifies nothing", async (t) => {
  const leaked = { WALNUT_WEBHOOK_KEY_PREVIOUS: "the key that leaked" };
  const world = await quarantine(t, { WALNUT_WEBHOOK_KEY: NEW_KEY });
  const ends = [undefined, "tomorrow", new Date(Date.now() + 8 * 24 * HOUR).toISOString()];
  for (const [n, end] of ends.entries()) {
    await world.reset({ ...leaked, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: end });
    deepEqual(await world.send(event(), { key: leaked.WALNUT_WEBHOOK_KEY_PREVIOUS }), { status: 401, code: "signature_mismatch" });
    await world.holds({ kept: n + 1, recovered: 0 });
    const [{ id, cause }] = await world.rejected();
    equal(cause, "unknown_key");
    equal((await world.ask("POST", `rejected/${id}/deliver`)).code, "not_verified");
  }
  const ours = await world.genuine();
  await world.reset({ WALNUT_WEBHOOK_KEY_PREVIOUS: undefined, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: undefined });
  await world.edge.scheduled();
  await deliveredOnce(world, [ours], 0, Date.now());
  await world.holds({ kept: 3, recovered: 0 });
  equal((await deliveries(world)).length, 1);
});

test("delivering by hand reports a duplicate if a retry was accepted before", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const body = event();
  await world.send(body);
  await world.holds({ kept: 1 });
  const [{ id }] = await world.rejected();
  await world.reset({
    WALNUT_WEBHOOK_KEY_PREVIOUS: NEW_KEY,
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + HOUR).toISOString(),
  });
  // Walnut's retry is accepted, because the key is valid now.
  equal((await world.send(body)).status, 200);
  const { status, stored } = await world.ask("POST", `rejected/${id}/deliver`);
  deepEqual([status, stored], [200, "duplicate"]);
  await world.holds({ kept: 0 });
  await deliveredOnce(world, [body], 0, Date.now());
});

test("while the configuration has mistakes, holds recovered requests, and delivers them later", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  await world.until((await world.ids())[0], "delivered");
  const bodies = [event(), event()];
  for (const body of bodies) await world.send(body);
  await world.holds({ kept: 2 });
  const to = Date.now();
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY, MAX_ATTEMPTS: "many" });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 2 });
  equal((await world.ids("?state=held")).length, 2);
  equal(world.origin.taken.length, 1);
  await world.reset({ MAX_ATTEMPTS: undefined });
  await world.edge.scheduled();
  equal(await deliveredOnce(world, bodies, 0, to), 2);
});

test("measures the age at the time of receipt, with the current limit", async (t) => {
  const world = await quarantine(t, { MAX_EVENT_AGE: "1h" });
  await world.genuine();
  const [fresh, stale] = [event(), event({ timestamp: new Date(Date.now() - 2 * HOUR).toISOString() })];
  for (const body of [fresh, stale]) equal((await world.send(body)).code, "signature_mismatch");
  await world.holds({ kept: 2 });
  await world.pass(3 * HOUR);
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 1, recovered: 1 });
  await deliveredOnce(world, [fresh], 0, Date.now());
  const [entry] = await world.rejected();
  equal(entry.cause, "stale");
  equal((await world.ask("POST", `rejected/${entry.id}/deliver`)).status, 409);
  await world.reset({ MAX_EVENT_AGE: "3h" });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 2 });
  await deliveredOnce(world, [fresh, stale], 0, Date.now());
});

test("lists an entry without its body, and shows the body as text", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const name = "<img src=x onerror=alert(1)>";
  const body = event({ event: name });
  const from = Date.now();
  await world.send(body, { key: FORGED, headers: { "content-type": "text/html" } });
  await world.holds({ kept: 1, bytes: Buffer.byteLength(body) });
  const list = await world.ask("GET", "rejected");
  const [entry] = list.rejected;
  deepEqual(Object.keys(entry).sort(), ["cause", "code", "expires", "fix", "id", "name", "received", "size"]);
  deepEqual([entry.code, entry.cause, entry.name, entry.size], ["signature_mismatch", "unknown_key", name, Buffer.byteLength(body)]);
  equal(entry.expires - entry.received, 48 * HOUR);
  ok(entry.received >= from && entry.received <= Date.now());
  match(entry.fix, /\.$/);
  ok(!JSON.stringify(list).includes(JSON.parse(body).data.user.email));
  deepEqual(list.counted, [{ code: "signature_mismatch", count: 1 }]);

  const one = await world.ask("GET", `rejected/${entry.id}`);
  deepEqual([one.body, one.signature], [{ text: body }, sign(body, FORGED)]);
  deepEqual(Object.keys(one.explained).sort(), ["cause", "fix", "problem"]);
  const authorization = `Bearer ${TOKEN}`;
  const listed = await fetch(`${world.edge.url}/admin/rejected`, { headers: { authorization } });
  match(listed.headers.get("content-type"), /^application\/json/);
  const raw = await fetch(`${world.edge.url}/admin/rejected/${entry.id}/body`, { headers: { authorization } });
  equal(await raw.text(), body);
  match(raw.headers.get("content-disposition"), /attachment/);
  equal(raw.headers.get("x-content-type-options"), "nosniff");
});

test("entries are listed newest first, by cursor, name and time", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  for (let n = 0; n < 9; n++) await world.send(event(n % 3 ? {} : { event: "other" }));
  await world.holds({ kept: 9 });
  const { rejected: all, cursor } = await world.ask("GET", "rejected?limit=200");
  equal(cursor, null);
  const times = all.map(({ received }) => received);
  deepEqual(times, [...times].sort((one, other) => other - one));
  const paged = [];
  for (let next = ""; next !== null; ) {
    const page = await world.ask("GET", `rejected?limit=2${next && `&cursor=${next}`}`);
    paged.push(...page.rejected);
    next = page.cursor;
  }
  deepEqual(paged.map(({ id }) => id), all.map(({ id }) => id));
  const count = async (query) => (await world.rejected(query)).length;
  equal(await count("&name=other"), 3);
  equal(await count(`&since=${times[4]}`), times.filter((time) => time >= times[4]).length);
  equal(await count(`&until=${times[4]}`), times.filter((time) => time < times[4]).length);
});

test("answers invalid requests like the rest of the admin API", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  await world.send(event());
  await world.holds({ kept: 1 });
  const [{ id }] = await world.rejected();
  const paths = ["rejected", `rejected/${id}`, `rejected/${id}/body`];
  for (const path of paths) equal((await world.ask("GET", path, undefined, "")).code, "unauthorized", path);
  for (const [method, path] of [["DELETE", `rejected/${id}`], ["POST", `rejected/${id}/deliver`]]) {
    equal((await world.ask(method, path, undefined, `${TOKEN}x`)).code, "unauthorized", path);
  }
  for (const path of ["rejected/x", "rejected/0", "rejected/999999999999", "rejected/-1", "rejected/%2B1", `rejected/${id}/more`]) {
    equal((await world.ask("GET", path)).code, "not_found", path);
  }
  for (const path of ["rejected/999999999999/deliver", "rejected/x/deliver"]) {
    equal((await world.ask("POST", path)).code, "not_found", path);
  }
  equal((await world.ask("DELETE", "rejected/999999999999")).code, "not_found");
  for (const [method, path] of [["POST", "rejected"], ["DELETE", "rejected"], ["PUT", `rejected/${id}`], ["POST", `rejected/${id}`], ["GET", `rejected/${id}/deliver`], ["DELETE", `rejected/${id}/body`]]) {
    equal((await world.ask(method, path)).code, "method_not_allowed", `${method} ${path}`);
  }
  for (const query of ["limit=0", "limit=201", "limit=x", "cursor=x", "since=yesterday", "until=", "state=dead", "order=up"]) {
    equal((await world.ask("GET", `rejected?${query}`)).code, "invalid_request", query);
  }
  await world.holds({ kept: 1 });
});

test("erasure covers kept requests", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const person = { user: { email: "alma@example.org" } };
  const [mine, hers, other] = [event({ user: person.user }), event({ note: "write to Alma@Example.org" }), event()];
  for (const body of [mine, hers, other]) await world.send(body);
  await world.holds({ kept: 3 });
  const erased = await world.ask("POST", "erase", { email: "alma@example.org" });
  equal(erased.erased, 2);
  await world.holds({ kept: 1, bytes: Buffer.byteLength(other) });
  const [{ id }] = await world.rejected();
  equal((await world.ask("DELETE", `rejected/${id}`)).erased, 1);
  equal((await world.ask("DELETE", `rejected/${id}`)).status, 404);
  await world.holds({ kept: 0, bytes: 0 });
  await world.reset({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await world.edge.scheduled();
  await world.holds({ kept: 0, recovered: 0 });
  equal((await deliveries(world)).length, 1);
});

test("metrics show the quarantine", async (t) => {
  const world = await quarantine(t);
  await world.genuine();
  const body = event();
  await world.send(body, { ip: WALNUT });
  await world.holds({ kept: 1 });
  const response = await fetch(`${world.edge.url}/admin/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  const text = await response.text();
  match(text, /^walnut_quarantine_kept 1$/m);
  match(text, new RegExp(`^walnut_quarantine_bytes ${Buffer.byteLength(body)}$`, "m"));
  match(text, /^walnut_quarantine_recovered_total 0$/m);
  match(text, /^walnut_quarantine_dropped_total 0$/m);
});
