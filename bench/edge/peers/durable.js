// The minimum of the edge's durable mode up to its answer, in JavaScript. It verifies, and a Durable Object stores the
// same rows in the same tables. It does not send, and does not distinguish a variant from a duplicate.
import { DurableObject } from "cloudflare:workers";
import { headline, refused, verified } from "./verify.js";

export default {
  async fetch(request, env) {
    const genuine = await verified(request, env);
    if (genuine === undefined) return refused();
    const { body, signature } = genuine;
    const { name, id } = headline(body);
    const contentType = request.headers.get("content-type");
    // By RPC, because a separate request would be slower.
    await env.INBOX.getByName("shard-0").store({ id, name, signature, contentType }, body);
    return Response.json({ ok: true });
  },
};

export class Inbox extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    // Runs once for each object, before it serves requests.
    const [{ tables }] = ctx.storage.sql.exec("SELECT COUNT(*) AS tables FROM sqlite_schema WHERE name = 'deliveries'");
    if (tables === 0) for (const statement of env.SCHEMA) ctx.storage.sql.exec(statement);
  }

  #newest = 0;

  /** Awaits nothing, so the platform writes all rows together, and answers afterwards. */
  store({ id, name, signature, contentType }, body) {
    const { sql } = this.ctx.storage;
    const now = Date.now();
    const key = Math.max(now * 2048, this.#newest + 1);
    const sends = JSON.stringify([{ destination: "origin", state: "pending", attempts: 0, began: now, due: now }]);
    const long = body.byteLength > 4096;
    const [row] = sql.exec(
      `INSERT INTO deliveries (key, id, kind, name, type, received, signed_with, signature,
        content_type, size, state, ended, untried, sends, body)
      VALUES (?, ?, 'first', ?, ?, ?, 'current', ?, ?, ?, 'pending', NULL, 1, ?, ?)
      ON CONFLICT (id) WHERE kind = 'first' DO NOTHING
      RETURNING key`,
      key, id, name, name, now, signature, contentType, body.byteLength, sends, long ? null : body,
    );
    if (row === undefined) return;
    this.#newest = key;
    if (long) sql.exec("INSERT INTO bodies (delivery, body) VALUES (?, ?)", key, body);
  }
}
