import { createHash } from "node:crypto";

const TWO_DAYS = 48 * 60 * 60 * 1000;

/**
 * Keeps requests whose signature matched no key, in a database of node:sqlite. Anyone can send such requests, so the store
 * limits their number, size and age. A request over a limit is dropped.
 */
export class RejectedStore {
  #maxBodyBytes;
  #oldest;
  #now;
  #add;
  #list;
  #remove;
  #expire;

  constructor(database, { maxCount = 1000, maxBytes = 8 << 20, maxBodyBytes = 64 << 10, maxAge = TWO_DAYS, now = Date.now } = {}) {
    database.exec(`CREATE TABLE IF NOT EXISTS rejected
      (id TEXT PRIMARY KEY, body BLOB NOT NULL, signature TEXT NOT NULL, received INTEGER NOT NULL) STRICT`);
    this.#maxBodyBytes = maxBodyBytes;
    this.#oldest = () => now() - maxAge;
    this.#now = now;
    this.#add = database.prepare(`INSERT INTO rejected SELECT :id, :body, :signature, :received
      WHERE (SELECT count(*) < ${maxCount} AND total(length(body)) + length(:body) <= ${maxBytes} FROM rejected)
      ON CONFLICT DO NOTHING`);
    this.#list = database.prepare("SELECT id, body, signature FROM rejected ORDER BY received");
    this.#remove = database.prepare("DELETE FROM rejected WHERE id = ?");
    this.#expire = database.prepare("DELETE FROM rejected WHERE received < ?");
  }

  /** Adds a request if it is new and there is room for it. Returns whether it was added. */
  add(body, signature) {
    this.expire();
    if (body.length > this.#maxBodyBytes) return false;
    const id = createHash("sha256").update(signature).update(body).digest("hex");
    return this.#add.run({ id, body, signature, received: this.#now() }).changes === 1;
  }

  list() {
    this.expire();
    return this.#list.all();
  }

  remove(id) {
    this.#remove.run(id);
  }

  expire() {
    this.#expire.run(this.#oldest());
  }
}
