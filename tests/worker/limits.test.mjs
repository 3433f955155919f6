// The limits on stored bodies, on requests in flight, and on the number and time of attempts. Each is tested on both
// sides.
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { admin, deferred, DURABLE, event, post, start, startOrigin, TOKEN } from "./support.mjs";

const HOUR = 3_600_000;

/** Starts an edge, and returns functions that call it. */
async function edge(t, bindings = {}) {
  const more = typeof bindings === "function" ? bindings : () => bindings;
  const started = await start(t, (origin) => ({ ...DURABLE, ADMIN_TOKEN: TOKEN, ...more(origin) }));
  return { ...started, ...admin(started.edge) };
}

const accepts = (_, response) => response.end();
const fails = (headers) => (_, response) => response.writeHead(500, headers).end();

/** A Worker that counts the bodies that the inbox reads. */
const counting = `
import worker, { Inbox as Real } from "./index.js";
let bodies = 0;
export class Inbox extends Real {
  constructor(context, env) {
    super(context, env);
    const sql = Object.getPrototypeOf(context.storage.sql);
    const { exec } = sql;
    if (exec.isCounted) return;
    sql.exec = function (query, ...values) {
      if (query.includes("SELECT COALESCE(body")) bodies++;
      return exec.call(this, query, ...values);
    };
    sql.exec.isCounted = true;
  }
}
export default {
  ...worker,
  fetch: (request, env, context) =>
    new URL(request.url).pathname === "/bodies" ? Response.json(bodies) : worker.fetch(request, env, context),
};`;

test("reads each body with the same id once, and compares later ones by digests", async (t) => {
  const { url, edge } = await start(t, DURABLE, { entry: counting });
  const variant = (n, timestamp) => JSON.stringify({ ...JSON.parse(event({ session_id: "s-1", steps: [n] })), timestamp });
  for (let n = 0; n < 5; n++) await post(url, variant(n, new Date().toISOString()));
  for (const time of [1, 2]) {
    for (let n = 0; n < 5; n++) equal((await post(url, variant(n, new Date(Date.now() + time).toISOString()))).status, 200);
  }
  // Each variant makes the inbox read the first body, until a duplicate arrives and the digest of the first body is stored.
  equal(await (await fetch(`${edge.url}/bodies`)).json(), 5);
});

test("keeps 20 variants of one id, only counts further ones, and can redeliver a variant", async (t) => {
  const secret = `whsec_${randomBytes(32).toString("base64")}`;
  const { url, origin, ask, ids, until } = await edge(t, (origin) => ({
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "crm", url: origin.url, secret }]),
  }));
  const bodies = Array.from({ length: 22 }, (_, n) => event({ session_id: "s-1", steps: [n] }));
  for (const body of bodies) equal((await post(url, body)).status, 200);
  const first = await until((await ids()).at(-1), "delivered");
  const { deliveries } = await ask("GET", "deliveries?state=variant");
  equal(deliveries.length, 20);
  ok(deliveries.every(({ id, kind, sends }) => id === first.id && kind === "variant" && sends.length === 0));
  deepEqual([first.kind, first.duplicates, first.related.length], ["first", 1, 20]);
  equal(origin.taken.length, 1);

  const { deliveryId: id } = deliveries[0];
  deepEqual((await ask("POST", `deliveries/${id}/redeliver`)).destinations, ["crm"]);
  await until(id, "delivered");
  const [one, other] = origin.taken;
  equal(other.body.toString(), bodies[20]);
  equal(other.headers["walnut-delivery-id"], one.headers["walnut-delivery-id"]);
  notEqual(other.headers["webhook-id"], one.headers["webhook-id"]);
  for (const { body, headers } of origin.taken) new StandardWebhook(secret).verify(body.toString(), headers);
  // The redelivered variant is still one of the 20.
  equal((await post(url, event({ session_id: "s-1", steps: [99] }))).status, 200);
  equal((await ask("GET", `deliveries/${first.deliveryId}`)).duplicates, 2);
  equal(origin.taken.length, 2);
});

/**
 * Starts an edge with an origin for each name. The origins in `prompt` answer one event promptly. Then all origins hold
 * their responses, which are in `held`. `inFlight(n)` waits until n requests are in flight, and checks that there are no
 * more.
 */
async function holding(t, { prompt = [], others = [], bindings = {} }) {
  const names = [...others, ...prompt];
  const origins = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await startOrigin()])));
  for (const { stop } of Object.values(origins)) t.after(stop);
  const events = (name) => ["demo_session_finished", ...(prompt.includes(name) ? ["first"] : [])];
  const started = await edge(t, () => ({
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify(names.map((name) => ({ name, url: origins[name].url, events: events(name) }))),
    ...bindings,
  }));
  const { url, until, ids } = started;
  equal((await post(url, event({ event: "first" }))).status, 200);
  const [id] = await ids();
  await until(id, "delivered");

  const held = [];
  let arrival = deferred();
  for (const [name, origin] of Object.entries(origins)) {
    origin.answer = (_, response) => {
      held.push({ name, end: () => response.end() });
      arrival.resolve();
    };
  }
  const inFlight = async (count) => {
    for (; held.length < count; arrival = deferred()) await arrival.promise;
    // With each arrival, the inbox looks for requests that it may start.
    for (let n = 0; n < 5; n++) equal((await post(url, event({ event: "unwanted" }))).status, 200);
    equal(held.length, count);
  };
  return { ...started, origins, held, inFlight };
}

test("allows 4 requests in flight, 2 to one destination", async (t) => {
  const { url, origins, held, inFlight } = await holding(t, { prompt: ["a", "b", "c"] });
  for (let n = 0; n < 3; n++) equal((await post(url, event())).status, 200);
  for (let left = 9; left > 0; left--) {
    await inFlight(Math.min(left, 4));
    held.shift().end();
  }
  const all = Object.values(origins);
  equal(Math.max(...all.map(({ most }) => most)), 2);
  deepEqual(all.map(({ taken }) => taken.length), [4, 4, 4]);
});

test("a single destination gets 2 requests at once", async (t) => {
  const { url, held, inFlight } = await holding(t, { prompt: ["a"] });
  for (let n = 0; n < 4; n++) equal((await post(url, event())).status, 200);
  for (const count of [2, 2, 2, 1]) {
    await inFlight(count);
    held.shift().end();
  }
});

test("destinations without a prompt answer get one request each, and at most three in all", async (t) => {
  const { url, origins, held, inFlight } = await holding(t, { prompt: ["good"], others: ["w", "x", "y", "z"] });
  for (let n = 0; n < 3; n++) equal((await post(url, event())).status, 200);
  const taken = () => Object.values(origins).map(({ taken }) => taken.length);
  await inFlight(4);
  deepEqual(taken(), [1, 1, 1, 0, 2]);
  const [one] = held.splice(held.findIndex(({ name }) => name === "good"), 1);
  one.end();
  await inFlight(4);
  deepEqual(taken(), [1, 1, 1, 0, 3]);
});

test("allows 4 MiB of bodies in flight", async (t) => {
  const third = Math.floor((4 << 20) / 3);
  for (const [size, count] of [[third, 3], [third + 1, 2]]) {
    const bindings = { MAX_BODY_BYTES: "1572864" };
    const { url, origins, held, inFlight } = await holding(t, { prompt: ["a", "b"], bindings });
    for (let n = 0; n < 2; n++) {
      const padding = "x".repeat(size - event({ padding: "" }).length);
      equal((await post(url, event({ padding }))).status, 200);
    }
    await inFlight(count);
    held.shift().end();
    await inFlight(Math.min(count, 3));
    const sent = Object.values(origins).flatMap(({ taken }) => taken.slice(1));
    deepEqual(sent.map(({ body }) => body.length), Array(count + 1).fill(size));
  }
});

for (const most of [1, 2]) {
  test(`MAX_ATTEMPTS=${most}: makes at most ${most} attempts`, async (t) => {
    const { url, origin, ids, until } = await edge(t, { MAX_ATTEMPTS: String(most) });
    origin.answer = fails();
    equal((await post(url, event())).status, 200);
    const [id] = await ids();
    const [{ attempts, reason, due }] = (await until(id, "dead")).sends;
    deepEqual([attempts, reason, due], [most, "max_attempts", null]);
    // The destination accepts another delivery at the last allowed attempt.
    origin.answer = (request, response) => (origin.taken.length < 2 * most ? fails() : accepts)(request, response);
    equal((await post(url, event())).status, 200);
    const [other] = await ids();
    equal((await until(other, "delivered")).sends[0].attempts, most);
    equal(origin.taken.length, 2 * most);
    equal((await until(id, "dead")).attempts.length, most);
  });
}

test("MAX_DELIVERY_AGE: a delivery whose next attempt would be later is dead", async (t) => {
  const { url, origin, ids, until } = await edge(t, { MAX_DELIVERY_AGE: "1s" });
  origin.answer = fails();
  equal((await post(url, event())).status, 200);
  const [id] = await ids();
  const { sends, attempts } = await until(id, "dead");
  equal(sends[0].reason, "max_age");
  equal(attempts.length, origin.taken.length);
  origin.answer = fails({ "retry-after": "2" });
  equal((await post(url, event())).status, 200);
  const [other] = await ids();
  const [{ reason, attempts: tries }] = (await until(other, "dead")).sends;
  deepEqual([reason, tries], ["max_age", 1]);
});

test("Retry-After holds a destination for seconds or until a date, at most an hour; other values are ignored", async (t) => {
  const before = Date.now();
  const date = (ms) => new Date(before + ms).toUTCString();
  const asked = [["1800", HOUR / 2], ["3600", HOUR], ["3601", HOUR], ["99999999999", HOUR], [date(2 * HOUR), HOUR], [date(HOUR / 2), HOUR / 2]];
  const ignored = ["0", "soon", "soon 2999", "-2999", "+3600", "1e9", "3600s", "3600 s", "0x10", "", date(-HOUR)];
  const values = [...asked.map(([value]) => value), ...ignored];
  const { url, origin, ids, until, ask } = await edge(t, ({ url }) => ({
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify(values.map((_, n) => ({ name: `n${n}`, url: `${url}/${n}` }))),
  }));
  origin.answer = (request, response) => {
    const [, n] = /(\d+)$/.exec(request.url);
    response.writeHead(500, { "retry-after": values[n] }).end();
  };
  equal((await post(url, event())).status, 200);
  const [id] = await ids();
  await until(id, ({ attempts }) => new Set(attempts.map(({ destination }) => destination)).size === values.length);
  const { destinations } = await ask("GET", "status");
  const now = Date.now();
  for (const [n, { heldUntil }] of destinations.entries()) {
    const [value, ms] = asked[n] ?? [values[n]];
    if (ms === undefined) equal(heldUntil, null, value);
    // A date has no milliseconds.
    else ok(heldUntil >= before + ms - 1000 && heldUntil <= now + ms, `${value}: held for ${heldUntil - before} ms`);
  }
});

test("a full shard accepts nothing, sends its deliveries, and accepts again when there is room", async (t) => {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const { url, edge, origin, logged } = await start(t, {
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    MAX_STORED_MB: "1",
    ALERT_URL: alerts.url,
  });
  const { ask, until, ids } = admin(edge);
  origin.answer = (_, response) => response.writeHead(500, { "retry-after": "1" }).end();
  const answers = [];
  for (let n = 0; n < 15; n++) answers.push(await post(url, event() + " ".repeat(100_000)));
  const accepted = answers.filter(({ status }) => status === 200).length;
  ok(accepted >= 9 && accepted < 12, `${accepted} accepted`);
  deepEqual(answers.at(-1), { status: 503, code: "store_failed" });
  ok(await logged("inbox_failed", "MAX_STORED_MB"));
  equal(JSON.parse((await alerts.took(1)).body).cause, "full");

  origin.answer = (_, response) => response.end();
  const all = await ids();
  equal(all.length, accepted);
  for (const id of all) await until(id, "delivered");
  for (const id of all.slice(0, 5)) equal((await ask("DELETE", `deliveries/${id}`)).erased, 1);
  equal((await post(url, event() + " ".repeat(100_000))).status, 200);
});
