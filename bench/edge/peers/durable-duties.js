// The edge's durable mode with its duties, as an expert would write it in JavaScript: one shard, the same tables, the
// same guarantees after a crash. It stores, recognizes duplicates and variants, sends, notes each attempt, retries, and
// removes expired deliveries. It has no admin API, no alerts and no redelivery.
import { DurableObject } from "cloudflare:workers";
import { accepted, failed, forward, log, logAttempt, receive } from "./duties.js";

const MAX_BODY_IN_ROW = 4096;
const MAX_STORED_BYTES = 9e9;
const MAX_VARIANTS = 20;
const MAX_ATTEMPTS_KEPT = 100;
const RETENTION_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_AGE_MS = 72 * 60 * 60 * 1000;
const MAX_WAIT_MS = 60 * 60 * 1000;
const ALARM_MS = 30_000;
const IN_FLIGHT = 2;
const READ_AHEAD = 100;
const FORGET_EVERY_MS = 1000;
const DESTINATION = "origin";

export default {
  async fetch(request, env) {
    const delivery = await receive(request, env);
    if (delivery instanceof Response) return delivery;
    const { id, name, type, isTest, signature, contentType, body } = delivery;
    try {
      // By RPC, because a separate request would be slower.
      const stored = await env.INBOX.getByName("shard-0").store({ id, name, type, isTest, signature, contentType }, body);
      log(stored, delivery);
    } catch (error) {
      console.error(JSON.stringify({ event: "inbox_failed", reason: error.message }));
      return failed(503, "store_failed");
    }
    return accepted();
  },
};

export class Inbox extends DurableObject {
  #sql;
  #newest;
  #counts = { deliveries: 0, duplicates: 0, taken: 0, failed: 0 };
  #armed = false;
  #signal;
  #inFlight = new Map();
  #forgetAt = 0;

  constructor(ctx, env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    ctx.blockConcurrencyWhile(async () => {
      const [{ tables }] = this.#sql.exec("SELECT COUNT(*) AS tables FROM sqlite_schema WHERE name = 'deliveries'");
      if (tables === 0) for (const statement of env.SCHEMA) this.#sql.exec(statement);
      this.#newest = this.#sql.exec("SELECT COALESCE(MAX(key), 0) AS newest FROM deliveries").one().newest;
      this.#armed = (await ctx.storage.getAlarm()) !== null;
    });
  }

  /** Awaits nothing, so the platform writes all rows together, and answers afterwards. */
  store(delivery, body) {
    if (this.#sql.databaseSize >= MAX_STORED_BYTES) throw new Error("the shard is full");
    const now = Date.now();
    const { id, isTest } = delivery;
    const remembered = this.#sql.exec(
      "UPDATE remembered SET last = ? WHERE id = ? AND (erased OR NOT ?) RETURNING id",
      now, id, isTest ? 1 : 0,
    );
    if (remembered.toArray().length > 0) return this.#duplicate(id, now);
    const key = Math.max(now * 2048, this.#newest + 1);
    if (this.#insert(key, "first", delivery, body, now)) {
      this.#counts.deliveries++;
      this.#wake();
      return "accepted";
    }
    if (isTest || this.#isKnown(id, body)) return this.#duplicate(id, now);
    this.#insert(key, "variant", delivery, body, now);
    return "variant";
  }

  #insert(key, kind, { id, name = null, type, signature, contentType }, body, now) {
    const isSent = kind === "first";
    const sends = [{ destination: DESTINATION, state: "pending", attempts: 0, began: now, due: now }];
    const isLong = body.byteLength > MAX_BODY_IN_ROW;
    const inserted = this.#sql.exec(
      `INSERT INTO deliveries (key, id, kind, name, type, received, signed_with, signature,
        content_type, size, state, ended, untried, sends, body)
      VALUES (?, ?, ?, ?, ?, ?, 'current', ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
      RETURNING key`,
      key, id, kind, name, type, now, signature, contentType, body.byteLength, isSent ? "pending" : "variant",
      isSent ? null : now, isSent ? 1 : null, isSent ? JSON.stringify(sends) : "[]", isLong ? null : body,
    );
    if (inserted.toArray().length === 0) return false;
    this.#newest = key;
    if (isLong) this.#sql.exec("INSERT INTO bodies (delivery, body) VALUES (?, ?)", key, body);
    return true;
  }

  /** Returns whether a body is known, or its ID has too many variants. */
  #isKnown(id, body) {
    const known = this.#sql
      .exec("SELECT key FROM deliveries WHERE id = ?1 AND kind = 'first' UNION ALL SELECT key FROM deliveries WHERE id = ?1 AND kind <> 'first'", id)
      .toArray();
    const stable = canonical(body);
    return known.length > MAX_VARIANTS || known.some(({ key }) => {
      const { body: other } = this.#sql
        .exec("SELECT COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)) AS body FROM deliveries WHERE key = ?", key)
        .one();
      return other === null || canonical(other) === stable;
    });
  }

  #duplicate(id, now) {
    this.#sql.exec("UPDATE deliveries SET duplicates = duplicates + 1, last_duplicate = ? WHERE id = ? AND kind = 'first'", now, id);
    this.#counts.duplicates++;
    return "duplicate";
  }

  /** Makes the running alarm, or else the next one, send due deliveries. */
  #wake() {
    if (this.#signal !== undefined) this.#signal();
    else if (!this.#armed) this.#arm(Date.now());
  }

  #arm(time) {
    this.#armed = true;
    this.ctx.storage.setAlarm(time);
  }

  /** Sends due deliveries, for at most half a minute. */
  async alarm() {
    this.#armed = false;
    const end = Date.now() + ALARM_MS;
    let untried = [];
    let readTo = 0;
    while (Date.now() < end) {
      const signalled = new Promise((resolve) => (this.#signal = resolve));
      if (untried.length < IN_FLIGHT * 2) {
        const more = this.#sql
          .exec("SELECT key FROM deliveries WHERE untried = 1 AND key > ? ORDER BY key LIMIT ?", readTo, READ_AHEAD)
          .toArray();
        readTo = more.at(-1)?.key ?? readTo;
        untried = untried.concat(more.map(({ key }) => key));
      }
      while (this.#inFlight.size < IN_FLIGHT) {
        const key = this.#due() ?? untried.shift();
        if (key === undefined) break;
        if (!this.#inFlight.has(key)) this.#inFlight.set(key, this.#attempt(key));
      }
      this.#forget(Date.now());
      if (this.#inFlight.size === 0) break;
      const finished = await Promise.race([signalled, ...this.#inFlight.values()]);
      if (finished !== undefined) this.#save(finished);
    }
    this.#signal = undefined;
    const { due } = this.#sql.exec("SELECT MIN(due) AS due FROM retries").one();
    const [more] = this.#sql.exec("SELECT 1 FROM deliveries WHERE untried = 1 LIMIT 1");
    if (more !== undefined || this.#inFlight.size > 0) this.#arm(Date.now());
    else if (due !== null) this.#arm(due);
  }

  /** Returns the delivery whose retry has been due for the longest time. */
  #due() {
    const due = this.#sql
      .exec("SELECT delivery FROM retries WHERE destination = ? AND due <= ? ORDER BY due LIMIT ?", DESTINATION, Date.now(), IN_FLIGHT + 1)
      .toArray();
    return due.find(({ delivery }) => !this.#inFlight.has(delivery))?.delivery;
  }

  async #attempt(key) {
    const delivery = this.#sql
      .exec(
        `SELECT id, name, type, signature, content_type AS contentType, sends,
          COALESCE(body, (SELECT body FROM bodies WHERE delivery = key)) AS body
        FROM deliveries WHERE key = ?`,
        key,
      )
      .one();
    delivery.name ??= undefined;
    const began = Date.now();
    return { key, began, delivery, outcome: await forward(delivery, this.env.ORIGIN_URL) };
  }

  /** Saves an attempt and its effects. */
  #save({ key, began, delivery, outcome }) {
    this.#inFlight.delete(key);
    logAttempt(delivery, DESTINATION, outcome);
    const { status, retryAfter, code } = outcome;
    const now = Date.now();
    // Nothing else changes the send, because this peer has no admin API.
    const [send] = JSON.parse(delivery.sends);
    const { due, queued } = send;
    send.attempts++;
    delete send.queued;
    delete send.due;
    if (code === undefined) {
      send.state = "delivered";
    } else {
      const wait = Math.max(Math.random() * Math.min(1000 * 2 ** (send.attempts - 1), MAX_WAIT_MS), Number(retryAfter ?? 0) * 1000 || 0);
      send.due = Math.ceil(now + Math.min(wait, MAX_WAIT_MS));
      if (send.due - send.began > MAX_AGE_MS) Object.assign(send, { state: "dead", reason: "max_age" });
      else send.queued = true;
    }
    const attempt = { destination: DESTINATION, at: began, ms: now - began, status, code };
    const update = () =>
      this.#sql.exec(
        `UPDATE deliveries SET sends = ?, untried = NULL, state = ?, ended = ?, dead = ?,
          attempts = json_insert(CASE WHEN json_array_length(attempts) < ? THEN attempts ELSE json_remove(attempts, '$[0]') END,
            '$[#]', json(?))
        WHERE key = ?`,
        JSON.stringify([send]), send.state, send.state === "pending" ? null : now, send.state === "dead" ? 1 : 0,
        MAX_ATTEMPTS_KEPT, JSON.stringify(attempt), key,
      );
    if (!queued && !send.queued) update();
    else this.ctx.storage.transactionSync(() => {
      if (queued) this.#sql.exec("DELETE FROM retries WHERE destination = ? AND due = ? AND delivery = ?", DESTINATION, due, key);
      if (send.queued) this.#sql.exec("INSERT INTO retries (destination, due, delivery) VALUES (?, ?, ?)", DESTINATION, send.due, key);
      update();
    });
    if (code === undefined) this.#counts.taken = now;
    else this.#counts.failed = now;
  }

  /** Removes expired deliveries. */
  #forget(now) {
    if (now < this.#forgetAt) return;
    this.#forgetAt = now + FORGET_EVERY_MS;
    const removed = this.#sql.exec(
      `DELETE FROM deliveries WHERE key IN (
        SELECT key FROM deliveries WHERE signature IS NOT NULL AND ended IS NOT NULL AND ended <= ? ORDER BY ended LIMIT 200
      ) RETURNING key, body IS NULL AS isLong`,
      now - RETENTION_MS,
    );
    for (const { key, isLong } of removed.toArray()) {
      if (isLong) this.#sql.exec("DELETE FROM bodies WHERE delivery = ?", key);
    }
  }
}

/** Returns a body as text without its timestamp, which differs between Walnut's retries. */
function canonical(body) {
  const text = new TextDecoder().decode(body);
  try {
    const { timestamp, ...event } = JSON.parse(text);
    return JSON.stringify(event);
  } catch {
    return text; // still genuine
  }
}
