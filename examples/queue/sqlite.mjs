// A queue in a SQLite file, by Node.js 24's own module. QUEUE_FILE is its path, on a local disk.
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
const leaseMs = 1000 * (process.env.LEASE_SECONDS ?? 60);

const database = new DatabaseSync(process.env.QUEUE_FILE ?? "queue.db", { timeout: 5000 });
database.exec(`
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL; -- a commit is on the disk before run() returns
  CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, event TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE INDEX IF NOT EXISTS job_due ON job (done, due);
`);
const insert = database.prepare("INSERT INTO job (id, event, due) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
const claim = database.prepare(`UPDATE job SET due = ?, attempts = attempts + 1 WHERE id =
  (SELECT id FROM job WHERE done = 0 AND due <= ? ORDER BY due LIMIT 1) RETURNING id, event, attempts`);
const finish = database.prepare("UPDATE job SET done = 1, due = ? WHERE id = ?");
const retry = database.prepare("UPDATE job SET due = ? WHERE id = ?");
const forget = database.prepare("DELETE FROM job WHERE done = 1 AND due < ?");

export function enqueue({ id, event }) {
  insert.run(id, JSON.stringify(event), Date.now());
}

export async function work(handle) {
  while (true) {
    try {
      const job = claim.get(Date.now() + leaseMs, Date.now());
      if (job === undefined) await setTimeout(500);
      else await attempt(handle, job);
    } catch (error) {
      // Another process locked the file for longer than the timeout. A claimed job is due again after its lease.
      console.error(error.message);
      await setTimeout(500);
    }
  }
}

async function attempt(handle, job) {
  try {
    await handle(job);
  } catch (error) {
    console.error(job.id, error.message);
    retry.run(Date.now() + 1000 * 2 ** Math.min(job.attempts, 15), job.id);
    return;
  }
  finish.run(Date.now(), job.id);
  forget.run(Date.now() - WEEK_MS); // a duplicate is dropped while the finished job is kept
}
