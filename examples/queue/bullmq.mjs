// A queue in Redis, by BullMQ. Redis must run with `appendonly yes` and `appendfsync always`. REDIS_URL is its address.
import { Queue, Worker } from "bullmq";
import { createClient } from "redis";
import { setting } from "./setting.mjs";

const WEEK_SECONDS = 7 * 24 * 60 * 60;
const ATTEMPTS = 18;
const leaseMs = 1000 * (process.env.LEASE_SECONDS ?? 60);

// Without an offline queue, storing fails at once while Redis is unreachable, and Walnut sends the event again.
const client = createClient({ url: setting("REDIS_URL"), disableOfflineQueue: true });
client.on("error", (error) => console.error(error.message));
const options = { connection: await client.connect(), skipWaitingForReady: true };
const queue = new Queue("walnut", options);

export async function enqueue({ id, event }) {
  await queue.add("delivery", { id, event: JSON.stringify(event) }, {
    jobId: id.replace(":", "."), // BullMQ forbids colons, and an id has exactly one
    attempts: ATTEMPTS,
    backoff: { type: "exponential", delay: 1000 },
    removeOnComplete: { age: WEEK_SECONDS }, // a duplicate is dropped while the finished job is kept
  });
}

export async function work(handle) {
  const lease = { lockDuration: leaseMs, stalledInterval: leaseMs, maxStalledCount: ATTEMPTS };
  const worker = new Worker("walnut", ({ data }) => handle(data), { ...options, ...lease });
  worker.on("failed", (job, error) => console.error(job?.id, error.message));
  worker.on("error", (error) => console.error(error.message));
}
