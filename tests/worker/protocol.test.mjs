// During a deployment, a Worker may call an inbox of another version. Only stored events may be acknowledged.
import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, folder, post, start, TOKEN } from "./support.mjs";

/** A Worker that sends the next version in all messages, or only in messages that store a delivery. */
const entry = (messages) => `
  import worker, { Inbox } from "./index.js";
  export { Inbox };
  const newer = (stub) => ({
    ask: (version, ...message) => stub.ask(version + ${Number(messages === "all")}, ...message),
    store: (version, ...message) => stub.store(version + 1, ...message),
  });
  export default {
    fetch: (request, env, context) =>
      worker.fetch(request, { ...env, INBOX: { getByName: (name) => newer(env.INBOX.getByName(name)) } }, context),
  };
`;

for (const messages of ["all", "store"]) {
  test(`an unknown version of ${messages === "all" ? "any message" : "a delivery"} is answered store_failed, and nothing is stored`, async (t) => {
    const storage = await folder(t);
    const newer = await start(t, DURABLE, { storage, entry: entry(messages) });
    deepEqual(await post(newer.url, event()), { status: 503, code: "store_failed" });
    const { reason } = JSON.parse(await newer.logged("inbox_failed"));
    match(reason, /^a message has protocol version 2, but this inbox supports version 1: wait/);
    await newer.edge.stop();
    const { edge } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { storage });
    deepEqual(await admin(edge).ids(), []);
  });
}

/** A Worker that stores each delivery under a key slot that only a later version knows. */
const LATER = `
  import worker, { Inbox } from "./index.js";
  export { Inbox };
  const later = (stub) => ({
    ask: (...message) => stub.ask(...message),
    store: (version, id, name, type, slot, ...more) => stub.store(version, id, name, type, "next", ...more),
  });
  export default {
    fetch: (request, env, context) =>
      worker.fetch(request, { ...env, INBOX: { getByName: (name) => later(env.INBOX.getByName(name)) } }, context),
  };
`;

test("sends, lists and erases a row that a later version has written", async (t) => {
  const { url, edge, origin } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { entry: LATER });
  const { ask, until } = admin(edge);
  equal((await post(url, event())).status, 200);
  equal((await origin.took(1)).headers["walnut-key"], "unknown");
  const { deliveries } = await ask("GET", "deliveries");
  deepEqual(deliveries.map(({ signedWith }) => signedWith), ["unknown"]);
  const [{ deliveryId }] = deliveries;
  equal((await until(deliveryId, "delivered")).signedWith, "unknown");
  equal((await ask("DELETE", `deliveries/${deliveryId}`)).erased, 1);
});

test("the admin API handles numbers beyond the range of JavaScript without a failure", async (t) => {
  const { edge } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  const { ask } = admin(edge);
  const huge = "18446744073709551615";
  for (const [method, path, body, status] of [
    ["GET", "deliveries/0-9007199254740992", undefined, 404],
    ["DELETE", `deliveries/0-${huge}`, undefined, 404],
    ["POST", `deliveries/0-${huge}/redeliver`, undefined, 404],
    ["GET", `deliveries?since=${huge}`, undefined, 200],
    ["GET", "deliveries?until=9007199254740993", undefined, 200],
    ["POST", "erase", { email: "a@example.com", cursor: `0-${huge}` }, 400],
    ["POST", "redeliver", { since: 0, until: huge }, 200],
  ]) equal((await ask(method, path, body)).status, status, `${method} ${path}`);
});
