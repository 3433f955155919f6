// Processes the deliveries in the queue. Here the work for each is one request to another service:
//   QUEUE=./sqlite.mjs SERVICE_URL=https://crm.example.com/sessions node worker.mjs
import { setting } from "./setting.mjs";

const service = setting("SERVICE_URL");
const { work } = await import(setting("QUEUE"));

console.log("waiting for deliveries");
// A worker can crash between its work and the confirmation to the queue, so it may process the same id twice.
await work(async ({ id, event }) => {
  const response = await fetch(service, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": id },
    body: event,
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(`The service answered ${response.status}.`);
});
