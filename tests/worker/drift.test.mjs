// Drift: differences of genuine events from their documented shapes are counted, listed and alerted.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lasting, select } from "./storage.mjs";
import { admin, DURABLE, event, eventually, post, sign, start, startOrigin, TOKEN } from "./support.mjs";

const MINUTE = 60_000;
const PLAYLIST = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/bodies/playlist.json")));

/** Starts an edge, and `alerts`, the receiver of its alerts. `seen` returns its drift as `EVENT PATH KIND TIMES`. */
async function edge(t, bindings) {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, ALERT_URL: alerts.url, ...bindings });
  return { alerts, ...world, ...drift(admin(world.edge)) };
}

/** Starts an edge that can be restarted, with the same functions. */
async function stored(t, bindings) {
  const world = await lasting(t, bindings);
  return Object.assign(world, { seen: async () => drift(world).seen(), counted: async (...all) => drift(world).counted(...all) });
}

function drift({ ask }) {
  const list = async () => (await ask("GET", "drift")).drift;
  const seen = async () => (await list()).map(({ event, path, kind, times }) => `${event} ${path} ${kind} ${times}`).sort();
  /** Waits until exactly these differences are listed. */
  const counted = async (...expected) => {
    const end = Date.now() + 300_000;
    await eventually(async () => {
      const actual = await seen();
      if (Date.now() > end) deepEqual(actual, expected.sort());
      return JSON.stringify(actual) === JSON.stringify(expected.sort());
    });
  };
  return { ask, list, seen, counted };
}

const accepted = async ({ url }, body, key) =>
  equal((await post(url, body, { "x-walnut-signature": sign(body, key) })).status, 200);
/** An event with one more field. */
const added = (field, fields) => event({ [field]: 1, ...fields });

test("a new difference is listed, counted in the status, and raises an alert that names it", async (t) => {
  const before = Date.now();
  const world = await edge(t);
  deepEqual(await world.list(), []);
  await accepted(world, added("phone"));
  await world.counted("demo_session_finished phone added 1");
  const [{ first, last, ...difference }] = await world.list();
  deepEqual(difference, { event: "demo_session_finished", path: "phone", kind: "added", times: 1 });
  ok(first >= before && first <= Date.now() && first === last);
  equal((await world.ask("GET", "status")).drift, 1);
  const { cause, text } = JSON.parse((await world.alerts.took(1)).body);
  equal(cause, "drift");
  ok(text.includes("demo_session_finished phone added"), text);
});

test("each event counts once, and a known difference raises no alert", async (t) => {
  const world = await edge(t);
  await accepted(world, added("phone"));
  await world.alerts.took(1);
  for (let n = 0; n < 3; n++) await accepted(world, added("phone"));
  const { data, ...fields } = PLAYLIST;
  const items = data.items.slice(0, 1).flatMap((item) => [{ ...item, score: 1 }, { ...item, score: 2 }]);
  const body = JSON.stringify({ ...fields, timestamp: new Date().toISOString(), data: { ...data, items } });
  await accepted(world, body);
  await world.edge.scheduled();
  await world.counted("demo_session_finished phone added 4", "playlist_session_finished data.items[].score added 1");
  const alerts = [await world.alerts.took(1), await world.alerts.took(2)].map(({ body }) => JSON.parse(body).text);
  ok(alerts[0].includes("phone added") && alerts[1].includes("score added"), alerts.join());
  equal(world.alerts.taken.length, 2);
});

test("a duplicate and a forgery do not count, a test event does", async (t) => {
  const world = await edge(t);
  const body = added("phone");
  await accepted(world, body);
  await accepted(world, body);
  equal((await post(world.url, added("forged"), { "x-walnut-signature": "0".repeat(64) })).status, 401);
  await accepted(world, added("phone", { is_test: true }));
  await world.edge.scheduled();
  await world.counted("demo_session_finished phone added 2");
});

test("each kind of difference is listed, the newest first", async (t) => {
  const world = await edge(t);
  await accepted(world, event({ timestamp: undefined }));
  await world.counted("demo_session_finished timestamp missing 1");
  await accepted(world, event({ timestamp: 5 }));
  await world.edge.scheduled();
  await accepted(world, JSON.stringify({ event: null }));
  await world.edge.scheduled();
  deepEqual((await world.list()).map(({ event, path, kind }) => [event, path, kind]), [
    ["unknown", "event", "type"],
    ["demo_session_finished", "timestamp", "type"],
    ["demo_session_finished", "timestamp", "missing"],
  ]);
});

test("an event of the documented shape has no differences", async (t) => {
  const world = await edge(t);
  await accepted(world, event());
  await accepted(world, JSON.stringify({ event: "anything", more: 1 }));
  await accepted(world, "no JSON");
  await world.edge.scheduled();
  deepEqual(await world.list(), []);
  equal((await world.ask("GET", "status")).drift, 0);
});

test("a member whose name is an e-mail address is listed as *", async (t) => {
  const world = await edge(t);
  await accepted(world, added("someone@walnut.io"));
  await world.counted('demo_session_finished ["*"] added 1');
  const alert = (await world.alerts.took(1)).body.toString();
  ok(!alert.includes("someone") && alert.includes('[\\"*\\"] added'), alert);
});

test("a member whose name has an escaped e-mail address is listed as *", async (t) => {
  const world = await edge(t);
  await accepted(world, added("jane%40example.com"));
  await world.counted('demo_session_finished ["*"] added 1');
  ok(!(await world.alerts.took(1)).body.toString().includes("jane"));
});

test("after 300 undocumented fields, a missing documented field is still listed, and raises an alert", async (t) => {
  const world = await edge(t);
  for (let n = 0; n < 3; n++) {
    await accepted(world, event(Object.fromEntries(Array.from({ length: 100 }, (_, field) => [`field_${n}_${field}`, 1]))));
    await world.edge.scheduled();
  }
  const raised = async () => {
    await world.edge.scheduled();
    return world.alerts.taken.some(({ body }) => JSON.parse(body).text.includes("data.demo.name missing"));
  };
  const { data, ...fields } = JSON.parse(event());
  delete data.demo.name;
  await accepted(world, JSON.stringify({ ...fields, data }));
  await eventually(raised);
  const all = await world.list();
  deepEqual(all.filter(({ kind }) => kind === "missing").map(({ path }) => path), ["data.demo.name"]);
  ok(all.length <= 200, `${all.length} differences`);
});

test("at most 150 added fields are kept, and a path of at most 256 bytes", async (t) => {
  const world = await edge(t);
  const many = (from, count) =>
    event(Object.fromEntries(Array.from({ length: count }, (_, n) => [`field_${from + n}`, 1])));
  for (const body of [added("p".repeat(300)), many(0, 100), many(100, 100)]) {
    await accepted(world, body);
    await world.edge.scheduled();
  }
  const all = await world.list();
  equal(all.length, 150);
  ok(all.some(({ path }) => path === "p".repeat(256)));
  equal((await world.ask("GET", "status")).drift, 150);
  await accepted(world, many(0, 1));
  await world.edge.scheduled();
  equal((await world.list()).find(({ path }) => path === "field_0").times, 2);
});

test("a new difference is saved at once, and a known one after 15 minutes", async (t) => {
  const world = await stored(t);
  const saved = () => select(world.storage, "SELECT path, times FROM drift").map(({ path, times }) => `${path} ${times}`);
  await accepted(world, added("phone"));
  await world.counted("demo_session_finished phone added 1");
  await world.restart((storage) => deepEqual(saved(storage), ["phone 1"]));
  await world.counted("demo_session_finished phone added 1");
  await accepted(world, added("phone"));
  await world.counted("demo_session_finished phone added 2");
  await world.restart((storage) => deepEqual(saved(storage), ["phone 1"]));
  await world.later(15 * MINUTE);
  await accepted(world, added("phone"));
  await world.counted("demo_session_finished phone added 2");
  await world.restart((storage) => deepEqual(saved(storage), ["phone 2"]));
});

test("an event from the quarantine counts", async (t) => {
  const bindings = {};
  const world = await stored(t, bindings);
  const body = added("phone");
  equal((await post(world.url, body, { "x-walnut-signature": sign(body, "new") })).status, 401);
  await eventually(async () => (await world.ask("GET", "rejected")).rejected.length !== 0);
  bindings.WALNUT_WEBHOOK_KEY = "new";
  await world.restart();
  await world.edge.scheduled();
  equal((await world.origin.took(1)).body.toString(), body);
  await world.edge.scheduled();
  await world.counted("demo_session_finished phone added 1");
});

test("the list requires the token and the method GET", async (t) => {
  const { ask } = await edge(t);
  equal((await ask("GET", "drift", undefined, "wrong")).status, 401);
  const { status, code } = await ask("POST", "drift");
  deepEqual([status, code], [405, "method_not_allowed"]);
});
