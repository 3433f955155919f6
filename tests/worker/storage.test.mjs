// An edge that starts with tables of another version, or with a lost alarm.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { age, change, lasting, loseAlarm, multiply, OURS, replace, select, versions } from "./storage.mjs";
import { deferred, event, eventually, post, startOrigin } from "./support.mjs";

const HOUR = 3_600_000;

/** Returns the tables and indexes of the inbox, and the columns of each. */
const shape = (storage) =>
  select(
    storage,
    `SELECT it.type, it.name, of.name AS of FROM sqlite_master it LEFT JOIN pragma_table_info(it.name) of
    WHERE ${OURS} ORDER BY 1, 2, 3`,
  );
const newest = (storage) => select(storage, "SELECT version FROM versions ORDER BY version").map(({ version }) => version);

test("each version of the tables has a file with its data", async (t) => {
  const { edge, storage } = await lasting(t);
  await edge.scheduled();
  await edge.stop();
  const files = readdirSync(versions).map((name) => Number(name.replace(".sql", "")));
  deepEqual(newest(storage), files.sort((one, other) => one - other));
});

for (const name of readdirSync(versions)) {
  test(`migrates the data of ${name}, and keeps it`, async (t) => {
    const world = await lasting(t);
    await world.edge.scheduled();
    await world.edge.stop();
    const { storage } = world;
    const [wanted, numbers] = [shape(storage), newest(storage)];
    await world.restart(() => replace(storage, name));
    const { url, origin, ask, until, ids, logged, edge } = world;
    await edge.scheduled();
    for (const id of ["0-7", "0-8"]) await until(id, "delivered");
    const { deliveries, duplicates, failures, keys: matched } = await ask("GET", "status");
    deepEqual(deliveries, { held: 0, pending: 0, delivered: 3, dead: 1, unrouted: 1, variant: 1, forgotten: 1, erased: 1 });
    deepEqual([duplicates, failures], [2, { signature_mismatch: 3 }]);
    ok(matched.current > 0);
    const { body, attempts, related, ...one } = await ask("GET", "deliveries/0-1");
    deepEqual([body.text, one.signature, one.contentType, related], ['{"n":1}', "a1", "application/json", ["0-2"]]);
    deepEqual(attempts.map(({ status, ms }) => [status, ms]), [[200, 12]]);
    const { body: sent, headers } = origin.taken.find(({ headers }) => headers["x-walnut-signature"] === "a7");
    deepEqual([sent.toString(), headers["content-type"], headers["x-walnut-signature"]], ['{"n":7}', "text/plain", "a7"]);
    for (const id of ["0-2", "0-3", "0-4"]) {
      equal((await ask("POST", `deliveries/${id}/redeliver`)).status, 200);
      await until(id, "delivered");
    }
    equal((await post(url, event({ session_id: "s-5" }))).status, 200);
    ok(await logged('"duplicate"', "s-5"));
    equal((await post(url, event())).status, 200);
    const all = await ids();
    equal(all.length, 9);
    await until(all[0], "delivered");

    await edge.stop();
    deepEqual([shape(storage), newest(storage)], [wanted, numbers]);
  });
}

test("uses tables of a newer version unchanged after a roll-back", async (t) => {
  const world = await lasting(t);
  world.origin.answer = (_, response) => response.writeHead(500, { "retry-after": "3600" }).end();
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], ({ attempts }) => attempts.length === 1);
  world.origin.answer = (_, response) => response.end();
  await world.restart((storage) => {
    age(storage, HOUR);
    const tables = ["deliveries", "bodies", "retries", "counts", "destinations", "refused", "alerts", "meta", "remembered", "versions"];
    change(storage, "INSERT INTO versions VALUES (1000); CREATE TABLE unknown (key INTEGER PRIMARY KEY);");
    for (const table of tables) change(storage, `ALTER TABLE ${table} ADD COLUMN unknown TEXT DEFAULT 'x'`);
  });
  const { url, until, ids, edge, storage, ask, lines } = world;
  equal((await post(url, event())).status, 200);
  for (const id of await ids()) await until(id, "delivered");
  equal((await ids()).length, 2);
  equal((await post(url, event(), { "x-walnut-signature": "0".repeat(64) })).status, 401);
  await eventually(async () => (await ask("GET", "status")).failures.signature_mismatch === 1);
  ok(!lines.some((line) => line.includes("inbox_failed")));
  await edge.stop();
  equal(newest(storage).at(-1), 1000);
  deepEqual(select(storage, "SELECT DISTINCT unknown FROM deliveries"), [{ unknown: "x" }]);
});

test("lists a delivery in a state of a later version, and still sends others", async (t) => {
  const world = await lasting(t);
  equal((await post(world.url, event())).status, 200);
  await world.until((await world.ids())[0], "delivered");
  const sends = JSON.stringify([
    { destination: "origin", state: "skipped", attempts: 0, began: 1 },
    { destination: "other", state: "dead", attempts: 1, began: 1, reason: "worn_out" },
  ]);
  await world.restart((storage) => change(storage, `UPDATE deliveries SET untried = 1, state = 'pending', sends = '${sends}'`));
  const { url, ask, until, ids } = world;
  equal((await post(url, event())).status, 200);
  const [sent, later] = await ids();
  await until(sent, "delivered");
  const shown = await ask("GET", `deliveries/${later}`);
  deepEqual(shown.sends.map(({ state, reason }) => [state, reason]), [["dead", "unknown"], ["dead", "unknown"]]);
  equal((await ask("POST", `deliveries/${later}/redeliver`, { destination: "origin" })).status, 200);
  await until(later, ({ sends }) => sends[0].state === "delivered");
});

test("the same inbox retries a failed migration", async (t) => {
  const world = await lasting(t);
  await world.edge.scheduled();
  await world.restart((storage) => change(storage, "DELETE FROM versions"));
  const { url, storage, logged, until, ids } = world;
  deepEqual(await post(url, event()), { status: 503, code: "store_failed" });
  ok(await logged("inbox_failed", "table deliveries already exists"));
  // The tables are repaired while the inbox is running.
  change(storage, "INSERT INTO versions VALUES (1), (2), (3)");
  deepEqual(await post(url, event()), { status: 200, code: undefined });
  await until((await ids())[0], "delivered");
});

test("logs inbox_failed without a delivery for a request that the inbox can't answer", async (t) => {
  const world = await lasting(t);
  await world.edge.scheduled();
  await world.restart((storage) => change(storage, "DROP TABLE retries"));
  for (const path of ["status", "deliveries?state=pending"]) {
    const { status, code, error } = await world.ask("GET", path);
    deepEqual([status, code], [503, "inbox_failed"]);
    ok(error.message.startsWith("the inbox did not answer"), error.message);
  }
  ok(await world.logged("inbox_failed", "no such table: retries"));
});

test("raises an alert in this version although an older version has raised it before", async (t) => {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  const world = await lasting(t, { MAX_ATTEMPTS: "1", ALERT_URL: alerts.url });
  world.origin.answer = (_, response) => response.writeHead(500).end();
  await world.edge.scheduled();
  await world.restart((storage) => change(storage, "INSERT INTO alerts (cause, text, at) VALUES ('dead origin', 'older', 0)"));
  equal((await post(world.url, event())).status, 200);
  const { cause, text } = JSON.parse((await alerts.took(1)).body);
  deepEqual([cause, text], ["dead", "origin: A delivery is dead: look at the delivery log."]);
});

for (const remembered of [false, true]) {
  const inbox = remembered ? "that remembers it" : "that does not remember it";
  /** Starts an edge with a delivery that is due, and without an alarm for it. */
  const stranded = async (t) => {
    const world = await lasting(t);
    world.origin.answer = (_, response) => response.writeHead(500, { "retry-after": "3600" }).end();
    equal((await post(world.url, event())).status, 200);
    await world.until((await world.ids())[0], ({ attempts }) => attempts.length === 1);
    world.origin.answer = (_, response) => response.end();
    await world.restart((storage) => {
      age(storage, 2 * HOUR);
      loseAlarm(storage, { remembered });
    });
    return world;
  };

  test(`the cron trigger sets a lost alarm of an inbox ${inbox}`, async (t) => {
    const { edge, origin, until, ids } = await stranded(t);
    equal(origin.taken.length, 1);
    await edge.scheduled();
    await origin.took(2);
    await until((await ids())[0], "delivered");
  });

  test(`an arrival sets a lost alarm of an inbox ${inbox}`, async (t) => {
    const { url, origin, until, ids } = await stranded(t);
    equal((await post(url, event())).status, 200);
    await origin.took(3);
    for (const id of await ids()) await until(id, "delivered");
  });
}

test("a send that is queued while its delivery is in flight stays queued", async (t) => {
  const [crm, mail, other] = await Promise.all([startOrigin(), startOrigin(), startOrigin()]);
  for (const origin of [crm, mail, other]) t.after(origin.stop);
  const events = ["demo_session_finished"];
  const world = await lasting(t, {
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify([
      { name: "mail", url: mail.url, events },
      { name: "crm", url: crm.url, events },
      { name: "other", url: other.url, events: ["other"] },
    ]),
  });
  equal((await post(world.url, event())).status, 200);
  const [last] = await world.ids();
  await world.until(last, "delivered");
  const held = deferred();
  crm.answer = () => {};
  mail.answer = async (_, response) => {
    await held.promise;
    response.end();
  };
  // So many deliveries wait for the CRM that the alarm reads the newest one only while another one is in flight.
  await world.restart((storage) => {
    multiply(storage, 10_000, 1);
    const pending = (at) => `'$[${at}].state', 'pending', '$[${at}].due', received`;
    change(
      storage,
      `UPDATE deliveries SET state = 'pending', ended = NULL, untried = 1, sends = json_set(sends, ${pending(1)});
      UPDATE deliveries SET sends = json_set(sends, ${pending(0)}) WHERE key = (SELECT MAX(key) FROM deliveries);
      CREATE TRIGGER failing BEFORE UPDATE OF sends ON deliveries WHEN OLD.name = 'other' AND OLD.duplicates = 0
        BEGIN SELECT RAISE(ABORT, 'not yet'); END`,
    );
  });
  await world.edge.scheduled();
  await mail.took(2);
  const failing = event({ event: "other" });
  equal((await post(world.url, failing)).status, 200);
  await world.logged("inbox_failed", "not yet");
  equal((await post(world.url, failing)).status, 200);
  // The next alarm has read all untried sends again, up to the last.
  await other.took(2);
  held.resolve();
  await world.until(last, ({ sends }) => sends.some(({ destination, state }) => destination === "mail" && state === "delivered"));
  await world.edge.stop();
  const query = `SELECT sends ->> '$[1].queued' AS queued, (SELECT COUNT(*) FROM retries WHERE delivery = key) AS retries
    FROM deliveries WHERE name <> 'other' ORDER BY key DESC LIMIT 1`;
  deepEqual(select(world.storage, query), [{ queued: 1, retries: 1 }]);
});
