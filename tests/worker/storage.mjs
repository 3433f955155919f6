// Reads and changes the storage of a stopped edge, so that tests can move time and damage data without a hook in the Worker.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { admin, DURABLE, folder, start, TOKEN } from "./support.mjs";

/** A version of Node.js with SQLite, because the running one may be older. */
const node = join(import.meta.dirname, "../node_modules/node22/bin/node");
const program = `
  const { DatabaseSync } = require("node:sqlite");
  const jobs = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const results = jobs.map(({ file, sql = "", query }) => {
    const database = new DatabaseSync(file);
    database.exec(sql);
    const rows = query ? database.prepare(query).all() : [];
    database.close();
    return rows;
  });
  process.stdout.write(JSON.stringify(results));
`;

/** Lists the databases whose names match. */
function files(storage, name) {
  const found = readdirSync(storage, { recursive: true }).filter((file) => name.test(file));
  if (found.length === 0) throw new Error("no database was found");
  return found.map((file) => join(storage, file));
}

/** Runs all jobs in one process, and returns the rows of each. A job runs `sql` on the database `file`, and then `query`. */
const run = (jobs) =>
  JSON.parse(execFileSync(node, ["--disable-warning=ExperimentalWarning", "--eval", program], { input: JSON.stringify(jobs) }));

/** Creates the same job for each database. */
const each = (databases, job) => databases.map((file) => ({ file, ...job }));

/** Returns the databases in which a query finds rows. */
function having(databases, query) {
  const rows = run(each(databases, { query }));
  return databases.filter((_, index) => rows[index].length > 0);
}

const inboxes = (storage) => files(storage, /[0-9a-f]{64}\.sqlite$/);
/** Runs SQL on the database of each inbox. */
export const change = (storage, sql) => void run(each(inboxes(storage), { sql }));
/** Returns the rows of a query on the databases of all inboxes. */
export const select = (storage, query) => run(each(inboxes(storage), { query })).flat();

/** Makes the database that contains a delivery unreadable. */
export function spoil(storage, id) {
  const [file] = having(inboxes(storage), `SELECT 1 FROM deliveries WHERE id = '${id}'`);
  for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
  writeFileSync(file, "no database".repeat(1000));
}

/** Creates jobs for the table in which workerd stores the alarms of all objects, in ns. */
const onAlarms = (storage, sql) => each(files(storage, /metadata\.sqlite$/), { sql });

/** Creates jobs for the table in which each inbox stores its own alarm. It does not exist before the first alarm. */
const onOwnAlarms = (storage, sql) =>
  each(having(inboxes(storage), "SELECT name FROM sqlite_master WHERE name = '_cf_METADATA'"), { sql });

/** Deletes the alarm from the platform's table and, unless it is `remembered`, from the inbox's own table. */
export function loseAlarm(storage, { remembered = false } = {}) {
  run([...onAlarms(storage, "DELETE FROM _cf_ALARM"), ...(remembered ? [] : onOwnAlarms(storage, "DELETE FROM _cf_METADATA"))]);
}

/** The condition for tables and indexes that the inbox has created. */
export const OURS = "it.name NOT GLOB '_cf*' AND it.name NOT GLOB 'sqlite*'";

/** The folder with the data of each version of the tables, as a file of SQL. */
export const versions = join(import.meta.dirname, "versions");

/** Replaces the whole storage with the data of the file `name`. */
export function replace(storage, name) {
  const tables = select(storage, `SELECT name FROM sqlite_master it WHERE type = 'table' AND ${OURS}`);
  loseAlarm(storage);
  change(storage, tables.map(({ name }) => `DROP TABLE ${name};`).join(""));
  change(storage, readFileSync(join(versions, name), "utf8").replaceAll("NOW", Date.now()));
}

/** How many row numbers there are for each millisecond: `worker/src/ids.rs`. */
export const ROWS_PER_MS = 2048;

/** Adds copies of the newest delivery. Each has another session, and is `ms` older than the previous one. */
export const multiply = (storage, copies, ms) =>
  change(
    storage,
    `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;
    INSERT INTO deliveries (key, id, kind, name, type, received, signed_with, signature, content_type, size, state, ended,
      sends, attempts, body)
    WITH RECURSIVE copies (n, session) AS (
      SELECT ${copies}, lower(hex(randomblob(18))) UNION ALL SELECT n - 1, lower(hex(randomblob(18))) FROM copies WHERE n > 1
    ), newest AS (SELECT *, substr(id, instr(id, ':') + 1) AS replaced FROM deliveries ORDER BY key DESC LIMIT 1)
    SELECT key - n * ${ms * ROWS_PER_MS}, replace(id, replaced, session), kind, name, type, received - n * ${ms}, signed_with,
      signature, content_type, size, state, ended - n * ${ms}, json_replace(sends, '$[0].began', received - n * ${ms}),
      json_replace(attempts, '$[0].at', received - n * ${ms}), CAST(replace(CAST(body AS TEXT), replaced, session) AS BLOB)
    FROM copies, newest;
    INSERT OR REPLACE INTO counts (only, saved, newest, deliveries, duplicates, last_received)
      SELECT 1, MAX(received), MAX(key), COUNT(*), 0, MAX(received) FROM deliveries;`,
  );

/** All the columns that hold times. */
const TIMES = {
  deliveries: ["received", "ended", "last_duplicate"],
  retries: ["due"],
  counts: ["saved", "last_received"],
  destinations: ["last_taken", "last_failed"],
  alerts: ["at", "due"],
  circuits: ["paused_since", "held_until", "failing_since", "alerted"],
  remembered: ["last"],
  drift: ["first", "last"],
};

/** The times in the JSON of `sends`. */
const SENDS = `UPDATE deliveries SET sends = (SELECT json_group_array(json_replace(value,
  '$.began', value ->> 'began' - MS, '$.due', value ->> 'due' - MS)) FROM json_each(sends));`;

/** The times in the JSON of `attempts`. */
const ATTEMPTS = `UPDATE deliveries SET attempts = (SELECT json_group_array(json_replace(value,
  '$.at', value ->> 'at' - MS)) FROM json_each(attempts));`;

/** Makes all stored data `ms` older. Rows keep their numbers, so that tests can still name them. */
export function age(storage, ms) {
  const older = (column) => `${column} = ${column} - ${ms}`;
  const tables = Object.entries(TIMES).map(([table, columns]) => `UPDATE ${table} SET ${columns.map(older)};`);
  tables.push(SENDS.replaceAll("MS", ms), ATTEMPTS.replaceAll("MS", ms));
  // Smaller numbers are not times.
  const meta = `UPDATE meta SET ${older("value")} WHERE value > 1e12 AND typeof(value) <> 'text';`;
  const earlier = (column) => `${column} = ${column} - ${ms} * 1000000`;
  run([
    ...each(inboxes(storage), { sql: `${tables.join("")} ${meta}` }),
    ...onOwnAlarms(storage, `UPDATE _cf_METADATA SET ${earlier("value")}`),
    ...onAlarms(storage, `UPDATE _cf_ALARM SET ${earlier("scheduled_time")}`),
  ]);
}

/**
 * Starts an edge that can be restarted with the same storage and the same origin. `restart(changed)` restarts it, and calls
 * `changed` with the storage in between. `later(ms)` restarts it with data that is `ms` older, and runs the cron
 * trigger. `bindings` are read at each start, and `options()` returns the options of each start.
 */
export async function lasting(t, bindings = {}, options = () => ({})) {
  const storage = await folder(t);
  const world = { storage };
  let url;
  const begin = async () => {
    const all = { ...DURABLE, ADMIN_TOKEN: TOKEN, ...(url && { ORIGIN_URL: url }), ...bindings };
    const started = await start(t, all, { storage, ...options() });
    const { origin } = world;
    Object.assign(world, started, admin(started.edge), origin && { origin });
    url = world.origin.url;
  };
  await begin();
  world.restart = async (changed = () => {}) => {
    await world.edge.stop();
    changed(storage);
    await begin();
  };
  world.later = async (ms) => {
    await world.restart(() => age(storage, ms));
    await world.edge.scheduled();
  };
  return world;
}
