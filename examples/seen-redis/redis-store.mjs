import { randomUUID } from "node:crypto";

const WEEK = 7 * 24 * 60 * 60 * 1000;
const RELEASE = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;

/** Remembers handled deliveries in Redis 7 or newer. Any number of processes can share it. */
export class RedisStore {
  #client;
  // Identifies the leases of this process: after a lease has expired, another process may hold it.
  #owner = randomUUID();

  constructor(client) {
    this.#client = client;
  }

  // One atomic command. If several processes run it at once, one sets the value and the others get that value.
  async begin(id, leaseMs) {
    const previous = await this.#client.set(key(id), this.#owner, {
      condition: "NX",
      expiration: { type: "PX", value: leaseMs },
      GET: true,
    });
    return previous === null ? "new" : previous === "done" ? "done" : "busy";
  }

  // Runs even if the lease has expired, because the delivery was handled and must not be handled again.
  async done(id) {
    await this.#client.set(key(id), "done", { expiration: { type: "PX", value: WEEK } });
  }

  async release(id) {
    await this.#client.eval(RELEASE, { keys: [key(id)], arguments: [this.#owner] });
  }
}

const key = (id) => `walnut:${id}`;
