// While the configuration has mistakes, genuine events are stored and held. Once it is corrected, they are delivered.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, KEY, TOKEN, admin, event, eventually, folder, inShard, post, sign, start, startOrigin } from "./support.mjs";
import { change } from "./storage.mjs";

const HOUR = 3_600_000;

/** Returns the status and the error code of /healthz. */
async function health({ edge }) {
  const response = await fetch(`${edge.url}/healthz`);
  return [response.status, (await response.json()).error?.code];
}

/**
 * Starts an edge in front of the destinations `crm`, which wants every event, and `demos`, which wants one kind. `restart`
 * stops or kills the edge, and starts it on the same storage with other variables.
 */
async function world(t, bindings, entry) {
  const origins = { crm: await startOrigin(), demos: await startOrigin() };
  for (const { stop } of Object.values(origins)) t.after(stop);
  const DESTINATIONS = JSON.stringify([
    { name: "crm", url: origins.crm.url },
    { name: "demos", url: origins.demos.url, events: ["demo_session_finished"] },
  ]);
  const storage = await folder(t);
  const it = { ...origins, storage, DESTINATIONS };
  const begin = async (bindings) => {
    const all = { ...DURABLE, ADMIN_TOKEN: TOKEN, ORIGIN_URL: undefined, DESTINATIONS, ...bindings };
    const started = await start(t, all, { storage, entry });
    Object.assign(it, started, admin(started.edge));
  };
  it.restart = async (bindings, { end = "kill", changed = () => {} } = {}) => {
    it.edge[end]();
    await it.edge.stop();
    changed();
    await begin(bindings);
  };
  await begin(bindings);
  return it;
}

const bodies = (origin) => origin.taken.map(({ body }) => body.toString());
const count = (status, state) => status.deliveries[state];

const MISTAKES = {
  "destinations that are not JSON": { DESTINATIONS: "[{" },
  "one of two destinations without a URL": ({ DESTINATIONS }) => {
    const [crm, demos] = JSON.parse(DESTINATIONS);
    return { DESTINATIONS: JSON.stringify([crm, { ...demos, url: "nowhere" }]) };
  },
  "no destination": { DESTINATIONS: undefined },
  "a limit that is not a number": { MAX_ATTEMPTS: "x" },
  "a size that is not a number": { MAX_BODY_BYTES: "1 MB" },
  "an age without a unit": { MAX_EVENT_AGE: "soon" },
  "a webhook path without a slash": { WEBHOOK_PATH: "webhook" },
  "an unknown jurisdiction, on a platform without jurisdictions": { JURISDICTION: "mars" },
  "an alert URL over http": { ALERT_URL: "http://alerts.example/" },
  "an invalid number of shards, before one is stored": { SHARDS: "many" },
  "a previous key without an end": { WALNUT_WEBHOOK_KEY_PREVIOUS: "before" },
  "a previous key that ends too late": {
    WALNUT_WEBHOOK_KEY_PREVIOUS: "before",
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 8 * 24 * HOUR).toISOString(),
  },
};

for (const [mistake, mistaken] of Object.entries(MISTAKES)) {
  test(`holds events while there is a mistake, and delivers them once it is corrected: ${mistake}`, async (t) => {
    const it = await world(t, {});
    const wrong = typeof mistaken === "function" ? mistaken(it) : mistaken;
    await it.restart(wrong, { end: "stop" });
    deepEqual(await health(it), [503, "misconfigured"]);
    const demo = event();
    const other = event({ event: "something_else" });
    for (const body of [demo, other]) deepEqual(await post(it.url, body), { status: 200, code: undefined });
    deepEqual(await post(it.url, demo), { status: 200, code: undefined });
    await it.logged('"duplicate"');
    equal(it.lines.filter((line) => line.includes('"event":"held"')).length, 2);
    const name = Object.keys(wrong).at(-1);
    const sentences = JSON.parse(await it.logged('"misconfigured"')).mistakes;
    ok(sentences.some((sentence) => sentence.includes(name) || sentence.includes("ORIGIN_URL")), sentences.join());
    await it.edge.scheduled();
    const status = await it.ask("GET", "status");
    deepEqual(status.mistakes, sentences);
    deepEqual([count(status, "held"), count(status, "pending"), count(status, "unrouted")], [2, 0, 0]);
    equal((await it.ids("?state=held")).length, 2);
    deepEqual([bodies(it.crm), bodies(it.demos)], [[], []]);

    await it.restart({});
    deepEqual(await health(it), [200, undefined]);
    await it.edge.scheduled();
    await Promise.all([it.crm.took(2), it.demos.took(1)]);
    for (const id of await it.ids()) await it.until(id, "delivered");
    deepEqual([bodies(it.crm).sort(), bodies(it.demos)], [[demo, other].sort(), [demo]]);
    const after = await it.ask("GET", "status");
    deepEqual([after.mistakes, count(after, "held"), count(after, "delivered")], [[], 0, 2]);
  });
}

test("the alarm sends held events in the order of arrival, without a cron trigger", { timeout: 600_000 }, async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  const sent = [];
  for (let n = 0; n < 5; n++) {
    sent.push(event({ event: `e${n}` }));
    equal((await post(it.url, sent[n])).status, 200);
  }
  it.crm.answer = (_, response) => setTimeout(() => response.end(), 20);
  await it.restart({});
  await it.crm.took(5);
  // Two are in flight at once, so each is at most one place away from its position.
  bodies(it.crm).forEach((body, place) => ok(Math.abs(sent.indexOf(body) - place) <= 1, `place ${place}`));
});

test("a pending delivery waits for a correct configuration, and is then sent", async (t) => {
  const it = await world(t, {});
  it.crm.answer = (_, response) => response.writeHead(500).end();
  const body = event({ event: "pending" });
  equal((await post(it.url, body)).status, 200);
  await it.crm.took(1);
  await it.restart({ MAX_DELIVERY_AGE: "x", RETENTION_DAYS: "x" });
  const before = it.crm.taken.length;
  await it.edge.scheduled();
  const status = await it.ask("GET", "status");
  deepEqual([count(status, "held"), count(status, "pending")], [0, 1]);
  equal(it.crm.taken.length, before);
  it.crm.answer = (_, response) => response.end();
  await it.restart({});
  await it.edge.scheduled();
  const [id] = await it.ids();
  await it.until(id, "delivered");
});

/** A Worker of another version, which names `destinations` for each event. */
const naming = (destinations) => `
  import worker, { Inbox } from "./index.js";
  export { Inbox };
  const other = (stub) => ({
    ask: (...message) => stub.ask(...message),
    store: (...arrival) => stub.store(...arrival.with(9, ${JSON.stringify(destinations)})),
  });
  export default {
    fetch: (request, env, context) =>
      worker.fetch(request, { ...env, INBOX: { getByName: (name) => other(env.INBOX.getByName(name)) } }, context),
    scheduled: worker.scheduled,
  };
`;

test("an inbox without mistakes routes an event at once if a Worker with mistakes names no destination", async (t) => {
  const it = await world(t, {}, naming([]));
  const [demo, other] = [event(), event({ event: "something_else" })];
  for (const body of [demo, other]) equal((await post(it.url, body)).status, 200);
  await Promise.all([it.crm.took(2), it.demos.took(1)]);
  equal(it.lines.filter((line) => line.includes('"accepted"')).length, 2);
  deepEqual(bodies(it.demos), [demo]);
});

test("an inbox with mistakes holds an event although a Worker without mistakes names destinations", async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" }, naming(["crm", "gone"]));
  const body = event();
  equal((await post(it.url, body)).status, 200);
  equal((await it.ask("GET", "status")).deliveries.held, 1);
  await it.restart({});
  await it.edge.scheduled();
  await Promise.all([it.crm.took(1), it.demos.took(1)]);
  const { sends } = await it.until((await it.ids())[0], "delivered");
  deepEqual(sends.map(({ destination }) => destination), ["crm", "demos"]);
});

test("an event that no destination wants becomes unrouted", async (t) => {
  const only = (it) => JSON.stringify(JSON.parse(it.DESTINATIONS).slice(1));
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  equal((await post(it.url, event({ event: "unwanted" }))).status, 200);
  await it.restart({ DESTINATIONS: only(it) });
  await it.edge.scheduled();
  const [id] = await it.ids();
  const { ended } = await it.until(id, "unrouted");
  ok(ended > 0);
  equal((await it.ask("GET", "status")).deliveries.unrouted, 1);
});

test("recognizes repeats and variants while events are held, and holds a repeat as well", async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  const one = event({ session_id: "s", steps: 1 });
  const variant = event({ session_id: "s", steps: 2 });
  const repeated = JSON.stringify({ is_test: true, message: "This is a test" });
  for (const body of [one, variant, repeated, repeated]) equal((await post(it.url, body)).status, 200);
  const status = await it.ask("GET", "status");
  deepEqual([count(status, "held"), count(status, "variant")], [3, 1]);
  deepEqual(await it.ids("?state=pending"), []);
  await it.restart({});
  await it.edge.scheduled();
  await it.crm.took(3);
  for (const id of await it.ids("?state=held")) await it.until(id, "delivered");
  deepEqual(bodies(it.crm).sort(), [one, repeated, repeated].sort());
});

test("a held event can be shown and erased, but not redelivered", async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  const [erased, kept] = [event(), event()];
  for (const body of [erased, kept]) equal((await post(it.url, body)).status, 200);
  const [keptId, erasedId] = await it.ids();
  deepEqual((await it.ask("GET", `deliveries/${keptId}`)).body, { text: kept });
  for (const [path, body] of [
    [`deliveries/${keptId}/redeliver`, {}],
    [`deliveries/${keptId}/redeliver`, { destination: "crm" }],
    ["redeliver", { since: 0, until: Date.now() + HOUR }],
  ]) {
    const { status, code } = await it.ask("POST", path, body);
    deepEqual([status, code], [500, "misconfigured"]);
  }
  equal((await it.ask("DELETE", `deliveries/${erasedId}`)).erased, 1);
  const metrics = await fetch(`${it.edge.url}/admin/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  match(await metrics.text(), /^walnut_deliveries\{state="held"\} 1$/m);
  await it.restart({});
  await it.edge.scheduled();
  await Promise.all([it.crm.took(1), it.demos.took(1)]);
  await it.until(keptId, "delivered");
  deepEqual([bodies(it.crm), (await it.ask("GET", `deliveries/${erasedId}`)).state], [[kept], "erased"]);
});

test("a held event that is redelivered to one destination reaches the others as well", async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  const body = event();
  equal((await post(it.url, body)).status, 200);
  await it.restart({});
  const [id] = await it.ids();
  deepEqual((await it.ask("POST", `deliveries/${id}/redeliver`, { destination: "demos" })).destinations, ["demos"]);
  await it.until(id, "delivered");
  deepEqual(bodies(it.crm), [body]);
  // It is sent twice if the alarm routes and sends it before the redelivery.
  deepEqual([...new Set(bodies(it.demos))], [body]);
});

test("the age of a held event counts from its routing", async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  equal((await post(it.url, event())).status, 200);
  it.crm.answer = (_, response) => response.writeHead(it.crm.taken.length === 1 ? 500 : 200).end();
  const changed = () => change(it.storage, `UPDATE deliveries SET received = received - ${4 * 24 * HOUR}`);
  await it.restart({}, { changed });
  await it.edge.scheduled();
  const [id] = await it.ids();
  await it.until(id, "delivered");
  equal(it.crm.taken.length, 2);
});

test("a held event survives a version without held deliveries", { timeout: 600_000 }, async (t) => {
  const it = await world(t, { MAX_ATTEMPTS: "x" });
  const body = event();
  equal((await post(it.url, body)).status, 200);
  // Such a version marks a held delivery as tried.
  const changed = () => change(it.storage, "UPDATE deliveries SET untried = NULL WHERE state = 'held'");
  await it.restart({}, { changed });
  await it.edge.scheduled();
  await it.crm.took(1);
  const [id] = await it.ids();
  await it.until(id, "delivered");
  deepEqual([bodies(it.crm), bodies(it.demos)], [[body], [body]]);
});

test("a SHARDS that is not the stored number is a mistake, and the stored number is used", async (t) => {
  const it = await world(t, { SHARDS: "2" });
  const first = Array.from({ length: 8 }, () => event());
  for (const body of first) equal((await post(it.url, body)).status, 200);
  await it.crm.took(8);
  for (const id of await it.ids()) await it.until(id, "delivered");
  for (const SHARDS of ["3", "1", undefined]) {
    await it.restart({ SHARDS });
    deepEqual(await health(it), [503, "misconfigured"]);
    match(JSON.parse(await it.logged('"misconfigured"')).mistakes.join(), /^SHARDS was 2 /);
    const before = it.crm.taken.length;
    for (const body of [...first, event(), event(), event()]) equal((await post(it.url, body)).status, 200);
    await it.crm.took(before + 3);
    equal(it.lines.filter((line) => line.includes('"accepted"')).length, 3);
    const status = await it.ask("GET", "status");
    deepEqual([status.shards, count(status, "held")], [2, 0]);
    match(status.mistakes.join(), /^SHARDS was 2 .* set SHARDS to 2$/);
    equal((await it.ids("?limit=200")).length, before + 3);
  }
  await it.restart({ SHARDS: "2" });
  deepEqual(await health(it), [200, undefined]);
  deepEqual((await it.ask("GET", "status")).mistakes, []);
});

test("delivers events that were held with an invalid SHARDS once SHARDS is valid", async (t) => {
  const it = await world(t, { SHARDS: "0" });
  await it.restart({ SHARDS: "0" });
  const held = Array.from({ length: 4 }, () => event());
  for (const body of held) equal((await post(it.url, body)).status, 200);
  await it.restart({ SHARDS: "3" });
  await it.edge.scheduled();
  await it.crm.took(4);
  equal((await it.ask("GET", "status")).shards, 3);
  equal((await post(it.url, event())).status, 200);
  await it.restart({ SHARDS: "4" });
  deepEqual(await health(it), [503, "misconfigured"]);
  match((await it.ask("GET", "status")).mistakes.join(), /^SHARDS was 3 /);
});

test("stores the number of shards despite another mistake, so that a later copy is a duplicate", { timeout: 600_000 }, async (t) => {
  const it = await world(t, { SHARDS: "4", MAX_ATTEMPTS: "x" });
  const held = [0, 1, 2, 3].map((shard) => inShard(shard, 4));
  for (const body of held) equal((await post(it.url, body)).status, 200);
  await it.restart({ SHARDS: "4" });
  await it.edge.scheduled();
  for (const id of await it.ids()) await it.until(id, "delivered");
  for (const body of held) {
    equal((await post(it.url, body)).status, 200);
    await it.logged('"duplicate"', JSON.parse(body).data.session_id);
  }
  await it.edge.scheduled();
  equal((await it.ids()).length, 4);
  deepEqual(bodies(it.crm).sort(), held.sort());
});

test("a health check stores no number of shards", async (t) => {
  const it = await world(t, { SHARDS: "1" });
  deepEqual(await health(it), [200, undefined]);
  equal((await it.ask("GET", "status")).shards, 1);
  await it.restart({ SHARDS: "2" });
  deepEqual(await health(it), [200, undefined]);
});

test("answers 500 to an event if the key or the mode is invalid, or if direct mode has a mistake", async (t) => {
  for (const [bindings, codes] of [
    [{ WALNUT_WEBHOOK_KEY: undefined }, [500, "misconfigured"]],
    [{ WALNUT_WEBHOOK_KEY: "" }, [500, "misconfigured"]],
    [{ MODE: "both" }, [500, "misconfigured"]],
    [{ MODE: "direct", MAX_ATTEMPTS: "x" }, [500, "misconfigured"]],
  ]) {
    const it = await start(t, { ...DURABLE, ...bindings });
    deepEqual(await health(it), codes, JSON.stringify(bindings));
    deepEqual(await post(it.url, event()), { status: 500, code: "misconfigured" });
    const { error } = await (await fetch(`${it.edge.url}/healthz`)).json();
    equal(error.message, "the edge's configuration has mistakes: its log lists them, and in durable mode /admin/status does too");
  }
});

test("a forgery is rejected while events are held", async (t) => {
  const it = await start(t, { ...DURABLE, MAX_ATTEMPTS: "x" });
  const headers = { "x-walnut-signature": sign("another") };
  deepEqual(await post(it.url, event(), headers), { status: 401, code: "signature_mismatch" });
});

test("a slash after the webhook path is accepted; a signed POST to another path is counted as wrong_path", async (t) => {
  const it = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  const { ask } = admin(it.edge);
  const body = event();
  const to = (path, headers) => post(`${it.edge.url}${path}`, body, headers);
  deepEqual(await to("/webhook/"), { status: 200, code: undefined });
  equal((await it.origin.took(1)).body.toString(), body);
  for (const path of ["//webhook", "/Webhook", "/webhook//", "/", "/webhook/x"]) {
    deepEqual(await to(path), { status: 404, code: "not_found" }, path);
  }
  deepEqual(await to("/unsigned", {}), { status: 404, code: "not_found" });
  equal((await fetch(`${it.edge.url}/Webhook`, { headers: { "x-walnut-signature": sign("") } })).status, 404);
  equal(JSON.parse(await it.logged('"wrong_path"')).event, "refused");
  await eventually(async () => (await ask("GET", "status")).failures.wrong_path === 1);
  await it.caughtUp();
  equal(it.lines.filter((line) => line.includes('"wrong_path"')).length, 5);
  equal(it.origin.taken.length, 2);
});

test("counts a signed POST to a path of the admin API as wrong_path if the API is off", async (t) => {
  const it = await start(t, DURABLE);
  deepEqual(await post(`${it.edge.url}/admin/webhook`, event()), { status: 404, code: "not_found" });
  await it.logged('"wrong_path"');
  equal(it.lines.join().includes(KEY), false);
});
