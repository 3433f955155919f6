// Alerts, and the cron trigger that checks whether there is a cause for one.
import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, event, post, sign, start, startOrigin } from "./support.mjs";

/** Starts an edge, and `alerts`, the receiver of its alerts. */
async function edge(t, bindings) {
  const alerts = await startOrigin();
  t.after(alerts.stop);
  return { alerts, ...(await start(t, { ...DURABLE, ALERT_URL: alerts.url, ...bindings })) };
}

const cause = ({ body }) => JSON.parse(body).cause;

test("raises one alert an hour for the dead deliveries of all shards", async (t) => {
  const before = Date.now();
  const { url, origin, alerts, lines, logged } = await edge(t, { MAX_ATTEMPTS: "1", SHARDS: "4" });
  origin.answer = (_, response) => response.writeHead(500).end();
  const bodies = Array.from({ length: 8 }, () => event());
  for (const body of bodies) equal((await post(url, body)).status, 200);
  for (const body of bodies) await logged('"dead"', JSON.parse(body).data.session_id);
  const { headers, body } = await alerts.took(1);
  equal(headers["content-type"], "application/json");
  const { source, cause, text, at } = JSON.parse(body);
  deepEqual([source, cause, typeof text], ["walnut-webhooks", "dead", "string"]);
  ok(at >= before && at <= Date.now());
  ok(!lines.some((line) => line.includes("inbox_failed")), "each shard has reported its alert to the first shard");
  equal(alerts.taken.length, 1);
});

test("with ALERT_FORMAT=teams, an alert is a message with a card", async (t) => {
  const { url, origin, alerts } = await edge(t, { MAX_ATTEMPTS: "1", ALERT_FORMAT: "teams" });
  origin.answer = (_, response) => response.writeHead(500).end();
  alerts.answer = (_, response) => response.writeHead(202).end();
  equal((await post(url, event())).status, 200);
  const { headers, body } = await alerts.took(1);
  equal(headers["content-type"], "application/json");
  const { type, attachments } = JSON.parse(body);
  equal(type, "message");
  const [{ contentType, content }] = attachments;
  equal(contentType, "application/vnd.microsoft.card.adaptive");
  const { $schema, body: blocks, ...card } = content;
  equal($schema, "http://adaptivecards.io/schemas/adaptive-card.json");
  deepEqual(card, { type: "AdaptiveCard", version: "1.4" });
  deepEqual(blocks.map(({ type, wrap }) => [type, wrap]), [["TextBlock", true], ["TextBlock", true]]);
  equal(blocks[0].text, "walnut-webhooks: dead origin");
  ok(blocks[1].text.startsWith("origin: A delivery is dead"));
});

test("an alert says that only the previous key matches", async (t) => {
  const { url, alerts } = await edge(t, {
    WALNUT_WEBHOOK_KEY_PREVIOUS: "before",
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 3_600_000).toISOString(),
  });
  const body = event();
  equal((await post(url, body, { "x-walnut-signature": sign(body, "before") })).status, 200);
  equal(cause(await alerts.took(1)), "previous_key");
});

test("an alert says that nothing arrived for ALERT_SILENCE", async (t) => {
  const { url, alerts, origin, edge: at } = await edge(t, { ALERT_SILENCE: "36ms" });
  equal((await post(url, event())).status, 200);
  await origin.took(1);
  // 36 ms are over once the cron trigger has been run often enough.
  while (alerts.taken.length === 0) await at.scheduled();
  equal(cause(alerts.taken[0]), "silence");
});

test("without ALERT_URL, no alert is raised", async (t) => {
  const { url, alerts, origin, edge: at, logged } = await edge(t, { ALERT_URL: undefined, MAX_ATTEMPTS: "1" });
  origin.answer = (_, response) => response.writeHead(500).end();
  await post(url, event());
  await logged('"dead"');
  await at.scheduled();
  equal(alerts.taken.length, 0);
});

test("an ALERT_URL that hangs delays no delivery", async (t) => {
  const { url, origin, alerts, logged } = await edge(t, { MAX_ATTEMPTS: "1" });
  alerts.answer = () => {};
  origin.answer = (_, response) => response.writeHead(500).end();
  const dead = event();
  equal((await post(url, dead)).status, 200);
  await logged('"dead"', JSON.parse(dead).data.session_id);
  await alerts.took(1);
  origin.answer = (_, response) => response.end();
  const body = event();
  equal((await post(url, body)).status, 200);
  await logged('"delivered"', JSON.parse(body).data.session_id);
  equal(alerts.now, 1, "the alert still hangs");
});
