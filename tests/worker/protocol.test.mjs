// A Worker and an inbox of different versions meet during a deployment: nothing may be acknowledged that is not stored.
import { deepEqual, match } from "node:assert/strict";
import { test } from "node:test";
import { admin, DURABLE, event, folder, post, start, TOKEN } from "./support.mjs";

/** A Worker whose messages carry the next version: all of them, or only those that store a delivery. */
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
