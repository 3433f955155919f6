// The measured edge, with one destination.
import { createHmac, randomUUID } from "node:crypto";
import { body, KEY } from "../bodies.mjs";
import { spawnCommand } from "../command.mjs";

const TOKEN = "a-token-of-more-than-thirty-two-characters";
const BODY_BYTES = 1024;

/** Starts the command, and returns at once. */
export function spawnEdge({ data, port, destination }) {
  const variables = { WALNUT_WEBHOOK_KEY: KEY, ADMIN_TOKEN: TOKEN, ORIGIN_URL: destination, ALLOW_LOOPBACK: "1" };
  return spawnCommand({ data, port, variables });
}

/** Ends the edge as systemd does. */
export async function stopEdge(command) {
  command.kill("SIGTERM");
  const how = await command.ended;
  if (how !== 0) throw new Error(`edge start has ended with ${how} after SIGTERM`);
}

const sample = JSON.parse(body(BODY_BYTES));

/** Makes a request with an event of a new session. */
export function createEvent() {
  const data = { ...sample.data, session_id: randomUUID() };
  const body = JSON.stringify({ ...sample, data, timestamp: new Date().toISOString() });
  return { method: "POST", body, headers: { "x-walnut-signature": createHmac("sha256", KEY).update(body).digest("hex") } };
}

/** Posts an event, and returns the status. */
export async function postEvent(url, event = createEvent()) {
  const response = await fetch(`${url}/webhook`, event);
  await response.arrayBuffer();
  return response.status;
}

/** Returns how many deliveries of each state the inbox has. */
export async function countDeliveries(url) {
  const response = await fetch(`${url}/admin/status`, { headers: { authorization: `Bearer ${TOKEN}` } });
  if (response.status !== 200) throw new Error(`/admin/status answered ${response.status}`);
  return (await response.json()).deliveries;
}
