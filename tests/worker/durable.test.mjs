// Durable mode: an event that is answered 200 is stored, and reaches its destinations despite their failures.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, TOKEN, admin, event, folder, post, sha256, sign, start, startOrigin } from "./support.mjs";

const edge = (t, bindings, options) => start(t, { ...DURABLE, ...bindings }, options);
/** Returns a function that answers with a status. */
const status = (code, headers = {}) => (_, response) => response.writeHead(code, headers).end();

test("a delivery is answered 200 and reaches the origin byte for byte", async (t) => {
  const { url, origin, logged } = await edge(t);
  const body = event({ padding: "é\u2028 " });
  deepEqual(await post(url, body), { status: 200, code: undefined });
  const taken = await origin.took(1);
  equal(sha256(taken.body), sha256(body));
  equal(taken.headers["x-walnut-signature"], sign(body));
  equal(taken.headers["walnut-key"], "current");
  const { id, destination, origin: answered } = JSON.parse(await logged('"delivered"'));
  equal(taken.headers["walnut-delivery-id"], id);
  deepEqual([destination, answered], ["origin", 200]);
});

test("answers before the origin has answered", async (t) => {
  const { url, origin } = await edge(t);
  origin.answer = () => {};
  equal((await post(url, event())).status, 200);
  await origin.took(1);
});

test("delivers at the fourth attempt to an origin that answers 500 three times", async (t) => {
  const { url, origin, logged } = await edge(t);
  origin.answer = (request, response) => status(origin.taken.length <= 3 ? 500 : 200)(request, response);
  const body = event();
  equal((await post(url, body)).status, 200);
  equal((await origin.took(4)).body.toString(), body);
  await logged('"delivered"');
  equal(origin.taken.length, 4);
});

test("delivers everything to an origin that was unreachable, once it works again", async (t) => {
  const { url, origin } = await edge(t);
  origin.answer = (request) => request.socket.destroy();
  const bodies = Array.from({ length: 5 }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  await origin.took(5);
  const back = origin.taken.length;
  origin.answer = status(204);
  const missing = () => bodies.filter((body) => !origin.taken.slice(back).some((it) => it.body.toString() === body));
  for (let count = back; missing().length > 0; count++) await origin.took(count + 1);
});

test("respects Retry-After", async (t) => {
  const { url, origin } = await edge(t);
  const times = [];
  origin.answer = (request, response) => {
    times.push(Date.now());
    status(times.length === 1 ? 429 : 200, { "retry-after": "3" })(request, response);
  };
  await post(url, event());
  await origin.took(2);
  ok(times[1] - times[0] >= 2990, `${times[1] - times[0]} ms`);
});

test("a destination that hangs or is unreachable delays no other", async (t) => {
  const hangs = await startOrigin();
  const dead = await startOrigin();
  t.after(hangs.stop);
  hangs.answer = () => {};
  await dead.stop();
  const { url, origin } = await start(t, (good) => ({
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([
      { name: "hangs", url: hangs.url },
      { name: "dead", url: dead.url },
      { name: "good", url: good.url },
    ]),
  }));
  origin.answer = (_, response) => setTimeout(() => response.end(), 20);
  const bodies = Array.from({ length: 20 }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  await origin.took(20);
  deepEqual(origin.taken.map((it) => it.body.toString()).sort(), bodies.sort());
  ok(origin.most <= 2, `${origin.most} at once`);
  equal(hangs.most, 1);
});

test("an attempt without an answer in time fails", async (t) => {
  const { url, origin, logged } = await edge(t, { ORIGIN_TIMEOUT: "500ms" });
  const answers = [
    (request) => request.socket.destroy(),
    () => {},
    (_, response) => response.end(),
  ];
  origin.answer = (request, response) => answers[origin.taken.length - 1](request, response);
  await post(url, event());
  await origin.took(3);
  ok(await logged("origin_failed"));
  ok(await logged("origin_timeout"));
});

test("sends events to the destinations that want them, and stores unrouted events", async (t) => {
  const { url, origin, logged } = await start(t, (good) => ({
    ...DURABLE,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([{ name: "demos", url: good.url, events: ["demo_session_finished"] }]),
  }));
  await post(url, event({ event: "something_else" }));
  ok(await logged('"unrouted"'));
  const demo = event();
  await post(url, demo);
  equal((await origin.took(1)).body.toString(), demo);
});

test("does not store a content type that an origin may reject", async (t) => {
  const { url, origin, edge, logged } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  const { ask, until, ids } = admin(edge);
  const body = event();
  const captured = { "x-walnut-signature": sign(body), "content-type": "application/json;".padEnd(20_000, "x") };
  equal((await post(url, body, captured)).status, 200);
  equal((await post(url, body)).status, 200);
  await logged('"duplicate"');
  const [id] = await ids();
  equal((await ask("GET", `deliveries/${id}`)).contentType, "application/json");
  await until(id, "delivered");
  equal(origin.taken[0].headers["content-type"], "application/json");
});

test("counts a duplicate, stores another body as a variant, and sends neither", async (t) => {
  const { url, origin, caughtUp, lines } = await edge(t);
  const fields = { session_id: "s-1", timestamp: "2026-01-01T00:00:00Z", steps: [1] };
  const all = [fields, fields, { ...fields, timestamp: "2026-01-01T00:00:09Z" }, { ...fields, steps: [2] }, { ...fields, steps: [2] }];
  for (const body of all) equal((await post(url, event(body))).status, 200);
  await caughtUp();
  equal(origin.taken.length, 2);
  const stored = lines.map((line) => JSON.parse(line)).filter((line) => line.type && !line.destination);
  deepEqual(stored.map((line) => line.event), ["accepted", "duplicate", "duplicate", "variant", "duplicate", "accepted"]);
});

test("stores one of many simultaneous copies", async (t) => {
  const { url, lines, caughtUp } = await edge(t);
  const body = event();
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(url, body)));
  ok(answers.every(({ status }) => status === 200));
  await caughtUp();
  const bodyLines = lines.filter((line) => line.includes(JSON.parse(body).data.session_id));
  const stored = (result) => bodyLines.filter((line) => line.includes(`"${result}"`)).length;
  deepEqual([stored("accepted"), stored("duplicate")], [1, 19]);
});

test("sends a test event again at most 30 times an hour", async (t) => {
  const { url, origin, lines, caughtUp } = await edge(t);
  const body = JSON.stringify({ is_test: true, message: "This is a test" });
  for (let n = 0; n < 32; n++) equal((await post(url, body)).status, 200);
  await origin.took(31);
  const [id, ...others] = new Set(origin.taken.map(({ headers }) => headers["walnut-delivery-id"]));
  deepEqual(others, []);
  await caughtUp();
  const stored = (result) => lines.filter((line) => line.includes(`"${result}"`) && line.includes(id)).length;
  deepEqual([stored("accepted"), stored("repeat"), stored("duplicate")], [1, 30, 1]);
});

test("rejects a captured request as stale after MAX_EVENT_AGE", async (t) => {
  const { url } = await edge(t, { MAX_EVENT_AGE: "1h" });
  const at = (ms) => post(url, event({ timestamp: new Date(Date.now() + ms).toISOString() }));
  const minute = 60_000;
  deepEqual(await at(-61 * minute), { status: 400, code: "stale" });
  deepEqual(await at(-59 * minute), { status: 200, code: undefined });
  deepEqual(await at(4 * minute), { status: 200, code: undefined });
  deepEqual(await at(6 * minute), { status: 400, code: "stale" });
  equal((await post(url, event({ timestamp: undefined }))).status, 200);
});

test("recognizes a duplicate in its shard, regardless of later values of SHARDS", async (t) => {
  const storage = await folder(t);
  const first = await edge(t, { SHARDS: "2" }, { storage });
  const bodies = Array.from({ length: 8 }, () => event());
  for (const body of bodies) equal((await post(first.url, body)).status, 200);
  await first.origin.took(8);
  await first.edge.stop();
  const second = await edge(t, { SHARDS: "3" }, { storage });
  for (const body of bodies) equal((await post(second.url, body)).status, 200);
  ok(await second.logged('"duplicate"'));
  await second.caughtUp();
  equal(second.lines.filter((line) => line.includes('"duplicate"')).length, 8);
});
