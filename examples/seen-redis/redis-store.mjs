import { randomUUID } from "node:crypto";

const WEEK = 7 * 24 * 60 * 60 * 1000;
const RELEASE = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;

/** Remembers what was handled in Redis 7 or newer, which any number of processes anywhere may share. */
export class RedisStore {
  #client;
  // Whoever has a lease is known by it: one that has ended may be another process's by now.
  #owner = randomUUID();

  constructor(client) {
    this.#client = client;
  }

  // This one command decides: of several processes at once, one sets, and the others get what is there.
  async begin(id, leaseMs) {
    const there = await this.#client.set(key(id), this.#owner, {
      condition: "NX",
      expiration: { type: "PX", value: leaseMs },
      GET: true,
    });
    return there === null ? "new" : there === "done" ? "done" : "busy";
  }

  // Whoever has the lease by now: it was handled, and that is not to be forgotten.
  async done(id) {
    await this.#client.set(key(id), "done", { expiration: { type: "PX", value: WEEK } });
  }

  async release(id) {
    await this.#client.eval(RELEASE, { keys: [key(id)], arguments: [this.#owner] });
  }
}

const key = (id) => `walnut:${id}`;
