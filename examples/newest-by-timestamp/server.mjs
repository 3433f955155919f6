// Keeps the newest event of each demo and playlist, even if they arrive out of order:
//   WALNUT_WEBHOOK_KEY=... node server.mjs
import { createServer } from "node:http";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";

// The newest event of each demo or playlist. In a database, use one statement: UPDATE ... WHERE at < the new time.
const newest = new Map();

/** Returns nanoseconds since 1970. A `Date` has only milliseconds, so two events could have the same one. */
function instant(timestamp) {
  const [, fraction] = /[.](\d+)/.exec(timestamp) ?? ["", ""];
  const ms = Date.parse(timestamp?.replace(/[.]\d+/, ""));
  // An event without a readable time counts as older than every other event.
  if (Number.isNaN(ms)) return -Infinity;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
}

function subject({ type, event, name }) {
  if (type === "demo_session_finished") return `demo ${event.data.demo.id}`;
  if (type === "playlist_session_finished") return `playlist ${event.data.playlist.id}`;
  return `event ${name}`;
}

const webhook = new Webhook(process.env.WALNUT_WEBHOOK_KEY);
const receive = handler(webhook, async (delivery) => {
  const key = subject(delivery);
  const at = instant(delivery.timestamp);
  const known = newest.get(key);
  if (known !== undefined && known.at >= at) return console.log("older", key, delivery.timestamp);
  newest.set(key, { at, event: delivery.event });
  console.log("newest", key, delivery.timestamp);
});

const server = createServer(receive).listen(process.env.PORT ?? 3000, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/webhook`);
});
