// A queue in PostgreSQL, by pg-boss. DATABASE_URL is the address of the database.
import { createHash } from "node:crypto";
import PgBoss from "pg-boss";
import { setting } from "./setting.mjs";

const boss = new PgBoss({
  connectionString: setting("DATABASE_URL"),
  archiveCompletedAfterSeconds: 7 * 24 * 60 * 60, // a duplicate is dropped while the finished job is kept
  retentionDays: 30, // pg-boss drops a job that has waited for longer
  expireInSeconds: Number(process.env.LEASE_SECONDS ?? 60),
  maintenanceIntervalSeconds: Number(process.env.LEASE_SECONDS ?? 60),
  retryLimit: 17,
  retryDelay: 1,
  retryBackoff: true,
});
boss.on("error", (error) => console.error(error.message));
await boss.start();
await boss.createQueue("walnut");

export async function enqueue({ id, event }) {
  // A job's id must be a UUID, which may be any 32 hex digits. The event is text, because jsonb cannot hold U+0000.
  const jobId = createHash("sha256").update(id).digest("hex").slice(0, 32);
  const sent = await boss.send("walnut", { id, event: JSON.stringify(event) }, { id: jobId });
  // null means that the delivery is a duplicate, or that the queue was deleted and nothing was stored.
  if (sent === null && !(await boss.getJobById("walnut", jobId))) throw new Error("The queue did not store the delivery.");
}

export async function work(handle) {
  await boss.work("walnut", { batchSize: 1 }, ([job]) => handle(job.data));
}
