// What an edge has stored, read and changed while it is stopped: time passes, and harm is done, without a hook for it in
// the Worker.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { admin, DURABLE, folder, start, TOKEN } from "./support.mjs";

/** A Node that has SQLite: the one that runs this may be older. */
const node = join(import.meta.dirname, "../node_modules/node22/bin/node");
const program = `
  const { DatabaseSync } = require("node:sqlite");
  const { file, sql, query } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const database = new DatabaseSync(file);
  database.exec(sql);
  const rows = query ? database.prepare(query).all() : [];
  database.close();
  process.stdout.write(JSON.stringify(rows));
`;

function run(storage, name, sql, query) {
  const files = readdirSync(storage, { recursive: true }).filter((file) => name.test(file));
  if (files.length !== 1) throw new Error(`${files.length} databases are there`);
  const input = JSON.stringify({ file: join(storage, files[0]), sql, query });
  const out = execFileSync(node, ["--disable-warning=ExperimentalWarning", "--eval", program], { input });
  return JSON.parse(out);
}

/** Runs SQL on the database of the one inbox. */
export const change = (storage, sql) => void run(storage, /[0-9a-f]{64}\.sqlite$/, sql);
/** Returns the rows of a query to it. */
export const look = (storage, query) => run(storage, /[0-9a-f]{64}\.sqlite$/, "", query);
/** Runs SQL on what workerd keeps of all objects: in `_cf_ALARM` their alarms, in ns; `_cf_METADATA` of each has its own. */
const changeAlarms = (storage, sql) => void run(storage, /metadata\.sqlite$/, sql);

/** The alarm is lost: the platform knows nothing of it, nor does the inbox, unless it is `remembered` there. */
export function loseAlarm(storage, { remembered = false } = {}) {
  changeAlarms(storage, "DELETE FROM _cf_ALARM");
  // There is no such table before the first alarm.
  const known = look(storage, "SELECT name FROM sqlite_master WHERE name = '_cf_METADATA'");
  if (!remembered && known.length > 0) change(storage, "DELETE FROM _cf_METADATA");
}

/** All the columns that hold times. */
const TIMES = {
  deliveries: ["received", "ended", "last_duplicate"],
  retries: ["due"],
  counts: ["saved", "last_received"],
  destinations: ["last_taken", "last_failed"],
  alerts: ["at", "due"],
  remembered: ["last"],
};

/** The times in the JSON of `sends`. */
const SENDS = `UPDATE deliveries SET sends = (SELECT json_group_array(json_replace(value,
  '$.began', value ->> 'began' - MS, '$.due', value ->> 'due' - MS)) FROM json_each(sends));`;

/** Lets time pass: all that is stored becomes older. Rows keep their numbers, so that tests can go on naming them. */
export function age(storage, ms) {
  const older = (column) => `${column} = ${column} - ${ms}`;
  const tables = Object.entries(TIMES).map(([table, columns]) => `UPDATE ${table} SET ${columns.map(older)};`);
  tables.push(SENDS.replaceAll("MS", ms));
  // What is smaller is no time.
  const meta = `UPDATE meta SET ${older("value")} WHERE value > 1e12;`;
  change(storage, `${tables.join("")} ${meta} UPDATE _cf_METADATA SET value = value - ${ms} * 1000000;`);
  changeAlarms(storage, `UPDATE _cf_ALARM SET scheduled_time = scheduled_time - ${ms} * 1000000`);
}

/**
 * An edge that can be stopped, and started on what it has stored, in front of the same origin: `again` does so, after it
 * has `changed` the storage; `later` so many ms later, and runs the cron trigger.
 */
export async function lasting(t, bindings = {}) {
  const storage = await folder(t);
  const world = { storage };
  let url;
  const begin = async () => {
    const all = { ...DURABLE, ADMIN_TOKEN: TOKEN, ...(url && { ORIGIN_URL: url }), ...bindings };
    const started = await start(t, all, { storage });
    const { origin } = world;
    Object.assign(world, started, admin(started.edge), origin && { origin });
    url = world.origin.url;
  };
  await begin();
  world.again = async (changed = () => {}) => {
    await world.edge.stop();
    changed(storage);
    await begin();
  };
  world.later = async (ms) => {
    await world.again(() => age(storage, ms));
    await world.edge.scheduled();
  };
  return world;
}
