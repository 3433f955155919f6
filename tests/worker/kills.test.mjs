// The tests kill the whole process at each point where a delivery could be lost, and restart it with the same storage.
import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { DURABLE, KEY, event, failpoint, folder, sign, start, startOrigin } from "./support.mjs";
import { FAILPOINTS_BUILD, startEdge } from "../../tools/edge.mjs";

/** Starts an origin for each name. */
async function origins(t, names) {
  const all = await Promise.all(names.map(startOrigin));
  for (const origin of all) t.after(origin.stop);
  return Object.fromEntries(names.map((name, index) => [name, all[index]]));
}

const status = (url, body) =>
  fetch(url, { method: "POST", body, headers: { "x-walnut-signature": sign(body) } }).then(
    (response) => response.status,
    () => undefined,
  );

for (const point of ["after-store", "before-send", "after-send", "before-result", "after-result"]) {
  test(`loses nothing when killed ${point}`, async (t) => {
    const storage = await folder(t);
    const { url, reached } = await failpoint(t);
    const all = await origins(t, ["crm", "mail"]);
    const DESTINATIONS = JSON.stringify(Object.entries(all).map(([name, origin]) => ({ name, url: origin.url })));
    const bindings = { ALLOW_LOOPBACK: DURABLE.ALLOW_LOOPBACK, MAX_EVENT_AGE: "0", WALNUT_WEBHOOK_KEY: KEY, DESTINATIONS };

    const first = await startEdge({ bindings: { ...bindings, FAILPOINT: point, FAILPOINT_URL: url }, build: FAILPOINTS_BUILD, storage });
    const body = event();
    const answered = status(`${first.url}/webhook`, body);
    await reached;
    first.kill();
    const before = await answered;
    await first.stop();

    const second = await start(t, { ...bindings, MODE: undefined, ORIGIN_URL: undefined }, { build: FAILPOINTS_BUILD, storage });
    // Walnut sends an unanswered event again. Here it is a duplicate, because the edge stored it before the kill.
    if (before !== 200) {
      equal(await status(second.url, body), 200);
      ok(await second.logged('"duplicate"'));
    }
    for (const origin of Object.values(all)) {
      const taken = await origin.took(1);
      equal(taken.body.toString(), body);
      ok(origin.taken.length <= 2, "sent more than twice");
    }
  });
}

test("raises the alert about a dead delivery although the process was killed before it", { timeout: 600_000 }, async (t) => {
  const storage = await folder(t);
  const { url, reached } = await failpoint(t);
  const { crm, alerts } = await origins(t, ["crm", "alerts"]);
  crm.answer = (_, response) => response.writeHead(500).end();
  const bindings = {
    ALLOW_LOOPBACK: DURABLE.ALLOW_LOOPBACK, MAX_EVENT_AGE: "0", MAX_ATTEMPTS: "1", WALNUT_WEBHOOK_KEY: KEY,
    ORIGIN_URL: crm.url, ALERT_URL: alerts.url,
  };
  const first = await startEdge({ bindings: { ...bindings, FAILPOINT: "after-result", FAILPOINT_URL: url }, build: FAILPOINTS_BUILD, storage });
  equal(await status(`${first.url}/webhook`, event()), 200);
  await reached;
  first.kill();
  await first.stop();
  equal(alerts.taken.length, 0);

  const second = await startEdge({ bindings, build: FAILPOINTS_BUILD, storage });
  t.after(second.stop);
  equal(JSON.parse((await alerts.took(1)).body).cause, "dead");
  equal(crm.taken.length, 1, "a dead delivery was sent again");
});
