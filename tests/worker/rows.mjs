// Counts the work that the platform bills for events, in real workerd: rows, requests and log events.
import { equal } from "node:assert/strict";
import { age } from "./storage.mjs";
import { DURABLE, TOKEN, admin, event, eventually, folder, post, start } from "./support.mjs";

/**
 * A Worker that counts its work. `written` and `read` are the rows of each statement, including index entries and each
 * alarm that is set. Requests to the inbox are arrivals and alarms. Each request and each line of the log is a log event.
 */
const entry = `
import worker, { Inbox as Real } from "./index.js";
let [statements, requests, lines, asking] = [[], { worker: 0, inbox: 0 }, 0, false];
for (const level of ["log", "warn", "error"]) {
  const write = console[level];
  console[level] = (...line) => {
    lines++;
    write.apply(console, line);
  };
}
export class Inbox extends Real {
  constructor(context, env) {
    super(context, env);
    const { storage } = context;
    const sql = Object.getPrototypeOf(storage.sql);
    const { exec } = sql;
    if (exec.isCounted) return;
    sql.exec = function (query, ...values) {
      const cursor = exec.call(this, query, ...values);
      statements.push({ query: query.replace(/\\s+/g, " "), cursor, asking });
      return cursor;
    };
    sql.exec.isCounted = true;
    const proto = Object.getPrototypeOf(storage);
    for (const name of ["setAlarm", "deleteAlarm"]) {
      const real = proto[name];
      proto[name] = function (...args) {
        statements.push({ query: name, cursor: { rowsWritten: 1, rowsRead: 0 }, asking });
        return real.apply(this, args);
      };
    }
  }
  store(...arrival) {
    requests.inbox++;
    return super.store(...arrival);
  }
  alarm() {
    requests.inbox++;
    return super.alarm();
  }
  // These requests come from the admin API and the cron trigger, not from an event.
  ask(...question) {
    asking = true;
    try {
      return super.ask(...question);
    } finally {
      asking = false;
    }
  }
}
export default {
  ...worker,
  fetch(request, env, context) {
    const { pathname } = new URL(request.url);
    if (pathname === "/webhook") requests.worker++;
    if (pathname !== "/counted") return worker.fetch(request, env, context);
    const counted = statements.map(({ query, cursor, asking }) => ({ query, written: cursor.rowsWritten, read: asking ? 0 : cursor.rowsRead }));
    const all = { statements: counted, requests, lines };
    [statements, requests, lines] = [[], { worker: 0, inbox: 0 }, 0];
    return Response.json(all);
  },
};`;

/** Statements that run at most once a minute, or once in 15 minutes, however many events arrive. */
const OCCASIONAL = /INTO (meta|destinations|counts)/;

/** Returns the work of an edge since the last call. */
async function count({ edge }) {
  const { statements, requests, lines } = await (await fetch(`${edge.url}/counted`)).json();
  const counted = statements.filter(({ query }) => !OCCASIONAL.test(query));
  const sum = (kind) => counted.reduce((all, statement) => all + statement[kind], 0);
  return {
    written: sum("written"),
    read: sum("read"),
    requests: requests.worker,
    inboxRequests: requests.inbox,
    logEvents: requests.worker + requests.inbox + lines,
  };
}

/** Starts an edge that has delivered one event. `count` returns its work since the last call. */
export async function counting(t, bindings = {}, storage = undefined) {
  const all = typeof bindings === "function" ? bindings : { ...DURABLE, ADMIN_TOKEN: TOKEN, ...bindings };
  const world = await start(t, all, { entry, storage });
  Object.assign(world, admin(world.edge), { count: () => count(world) });
  await delivers(world);
  await world.count();
  return world;
}

/** Waits until an event is delivered and its alarm has ended. */
export async function delivers(world, body = event()) {
  equal((await post(world.url, body)).status, 200);
  await world.until((await world.ids())[0], "delivered");
  await quiet(world);
}

/** Waits until nothing more is written. An alarm without work ends immediately. */
async function quiet({ edge }) {
  for (let calm = 0; calm < 3; calm++) await (await fetch(`${edge.url}/health`)).text();
}

/** Counts the work for a single event that is delivered at once, for its duplicate, and for a tick of the cron trigger. */
export async function alone(t) {
  const world = await counting(t);
  const body = event();
  await delivers(world, body);
  const delivered = await world.count();
  equal((await post(world.url, body)).status, 200);
  await quiet(world);
  const duplicate = await world.count();
  await world.edge.scheduled();
  await quiet(world);
  return { delivered, duplicate, idle: await world.count() };
}

/** Counts the work for events that arrive at once, until all are delivered. */
export async function burst(t, events) {
  const world = await counting(t);
  const bodies = Array.from({ length: events }, () => event());
  for (const { status } of await Promise.all(bodies.map((body) => post(world.url, body)))) equal(status, 200);
  for (const id of await world.ids("?limit=200")) await world.until(id, "delivered");
  await quiet(world);
  return world.count();
}

/** Counts the work for an event that is delivered to `count` destinations. */
export async function destinations(t, count) {
  const names = Array.from({ length: count }, (_, n) => `destination-${n}`);
  const world = await counting(t, (origin) => ({
    ...DURABLE,
    ADMIN_TOKEN: TOKEN,
    ORIGIN_URL: undefined,
    DESTINATIONS: JSON.stringify(names.map((name) => ({ name, url: origin.url }))),
  }));
  await delivers(world);
  return world.count();
}

/** Counts the work to remove events. */
export async function forgotten(t, events) {
  const storage = await folder(t);
  const world = await counting(t, {}, storage);
  for (let n = 1; n < events; n++) await delivers(world);
  await world.edge.stop();
  age(storage, 8 * 24 * 3_600_000);
  const restarted = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { entry, storage });
  await restarted.edge.scheduled();
  await eventually(async () => (await admin(restarted.edge).ids()).length === 0);
  await quiet(restarted);
  return count(restarted);
}
