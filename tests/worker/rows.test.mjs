// How many rows are written, since the platform bills each: entries of indexes count, and so does each alarm that is set.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { age } from "./storage.mjs";
import { DURABLE, TOKEN, admin, event, folder, post, start } from "./support.mjs";

/** The Worker, with what it writes counted by statement. */
const entry = `
import worker, { Inbox as Real } from "./index.js";
let written = [];
export class Inbox extends Real {
  constructor(context, env) {
    super(context, env);
    const { storage } = context;
    const sql = Object.getPrototypeOf(storage.sql);
    const { exec } = sql;
    if (exec.isCounted) return;
    sql.exec = function (query, ...values) {
      const cursor = exec.call(this, query, ...values);
      written.push({ query: query.replace(/\\s+/g, " "), cursor });
      return cursor;
    };
    sql.exec.isCounted = true;
    const proto = Object.getPrototypeOf(storage);
    for (const name of ["setAlarm", "deleteAlarm"]) {
      const real = proto[name];
      proto[name] = function (...args) {
        written.push({ query: name, cursor: { rowsWritten: 1 } });
        return real.apply(this, args);
      };
    }
  }
}
export default {
  ...worker,
  fetch(request, env, context) {
    if (new URL(request.url).pathname !== "/written") return worker.fetch(request, env, context);
    const all = written.map(({ query, cursor }) => [query, cursor.rowsWritten]).filter(([, rows]) => rows > 0);
    written = [];
    return Response.json(all);
  },
};`;

/** Statements that run at most once a minute, or once in 15 minutes, however many events arrive. */
const NOW_AND_THEN = /INTO (meta|destinations|counts)/;

/** An edge that has delivered something; `rows` counts what was written since its last call. */
async function counted(t, bindings = {}, storage = undefined) {
  const all = typeof bindings === "function" ? bindings : { ...DURABLE, ADMIN_TOKEN: TOKEN, ...bindings };
  const world = await start(t, all, { entry, storage });
  const rows = async () => {
    const all = await (await fetch(`${world.edge.url}/written`)).json();
    return all.filter(([query]) => !NOW_AND_THEN.test(query)).reduce((sum, [, rows]) => sum + rows, 0);
  };
  Object.assign(world, admin(world.edge), { rows });
  await delivers(world);
  await rows();
  return world;
}

/** An event is delivered, and the alarm that did so has ended. */
async function delivers(world, body = event()) {
  equal((await post(world.url, body)).status, 200);
  await world.until((await world.ids())[0], "delivered");
  await quiet(world);
}

/** Waits until nothing is written any more: an alarm with nothing to do ends within its turn. */
async function quiet({ edge }) {
  for (let calm = 0; calm < 3; calm++) await (await fetch(`${edge.url}/health`)).text();
}

test("an event that is delivered at once is 6 rows, a duplicate 1, and an idle cron tick 0", async (t) => {
  const world = await counted(t);
  const body = event();
  await delivers(world, body);
  equal(await world.rows(), 6);
  equal((await post(world.url, body)).status, 200);
  await quiet(world);
  equal(await world.rows(), 1);
  await world.edge.scheduled();
  await quiet(world);
  equal(await world.rows(), 0);
});

test("in a burst it is 5 rows, and an alarm now and then", async (t) => {
  const world = await counted(t);
  const bodies = Array.from({ length: 100 }, () => event());
  const answers = await Promise.all(bodies.map((body) => post(world.url, body)));
  ok(answers.every(({ status }) => status === 200));
  for (const id of await world.ids("?limit=200")) await world.until(id, "delivered");
  await quiet(world);
  const rows = await world.rows();
  ok(rows >= 500 && rows <= 550, `${rows} rows for 100 events`);
});

test("to four destinations it is 9 rows", async (t) => {
  const world = await counted(t, (origin) => ({
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify(["a", "b", "c", "d"].map((name) => ({ name, url: origin.url }))),
  }));
  await delivers(world);
  equal(await world.rows(), 9);
});

test("a body over 4 KiB is a row more, and a failed attempt 5 more", async (t) => {
  const world = await counted(t);
  await delivers(world, event({ padding: "x".repeat(5000) }));
  equal(await world.rows(), 7);
  const { origin } = world;
  const before = origin.taken.length;
  origin.answer = (_, response) => response.writeHead(origin.taken.length === before + 1 ? 500 : 200).end();
  await delivers(world);
  const rows = await world.rows();
  ok(rows <= 6 + 5, `${rows} rows`);
});

test("to forget it is 1 row", async (t) => {
  const storage = await folder(t);
  const world = await counted(t, {}, storage);
  for (let n = 1; n < 20; n++) await delivers(world);
  await world.edge.stop();
  age(storage, 8 * 24 * 3_600_000);
  const again = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { entry, storage });
  const { ids } = admin(again.edge);
  await again.edge.scheduled();
  while ((await ids()).length > 0);
  await quiet(again);
  const all = await (await fetch(`${again.edge.url}/written`)).json();
  const rows = all.filter(([query]) => !NOW_AND_THEN.test(query)).reduce((sum, [, rows]) => sum + rows, 0);
  // One more for the alarm that the cron trigger set.
  equal(rows, 20 + 1);
});
