import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

const WEEK = 7 * 24 * 60 * 60 * 1000;

/** Remembers handled deliveries in a SQLite file. Any number of processes on one machine can share it. */
export class SqliteStore {
  // Identifies the leases of this process: after a lease has expired, another process may hold it.
  #owner = randomUUID();
  #forget;
  #claim;
  #isDone;
  #done;
  #release;

  constructor(path) {
    const database = new DatabaseSync(path, { timeout: 1000 });
    database.exec(`
      PRAGMA journal_mode = WAL;
      CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, owner TEXT, until INTEGER NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS seen_until ON seen (until);
    `);
    this.#forget = database.prepare("DELETE FROM seen WHERE until <= ?");
    this.#claim = database.prepare("INSERT INTO seen (id, owner, until) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.#isDone = database.prepare("SELECT 1 FROM seen WHERE id = ? AND owner IS NULL");
    this.#done = database.prepare("INSERT OR REPLACE INTO seen (id, owner, until) VALUES (?, NULL, ?)");
    this.#release = database.prepare("DELETE FROM seen WHERE id = ? AND owner = ?");
  }

  begin(id, leaseMs) {
    const now = Date.now();
    this.#forget.run(now);
    // One atomic statement. If several processes run it at once, only one inserts the row.
    if (this.#claim.run(id, this.#owner, now + leaseMs).changes === 1) return "new";
    return this.#isDone.get(id) ? "done" : "busy";
  }

  // Runs even if the lease has expired, because the delivery was handled and must not be handled again.
  done(id) {
    this.#done.run(id, Date.now() + WEEK);
  }

  release(id) {
    this.#release.run(id, this.#owner);
  }
}
