// A key reset: Walnut signs with a new key before the receiver has it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { temporary } from "./services.mjs";
import { DEMO, KEY, patience, PLAYLIST, post, root, run, serve, signed } from "./support.mjs";

const NEW_KEY = "the key after the reset";
const cwd = join(root, "examples/key-reset");
const node24 = join(root, "tests/node_modules/node24/bin/node"); // Node 20 has no node:sqlite
/** The printed lines about deliveries, without their session IDs. */
const printedDeliveries = ({ lines }) => lines.filter((line) => line.includes("_session_finished:")).map((line) => line.replace(/:\S+/, ""));

const rejects = async (server, ...sent) => {
  const { status, error } = await post(server.url, ...sent);
  assert.deepEqual([status, error?.code], [401, "signature_mismatch"]);
};

/** Checks how many requests the store in the file `DATABASE` has. */
async function keeps(DATABASE, count) {
  const script = `
    import assert from "node:assert/strict";
    import { DatabaseSync } from "node:sqlite";
    import { RejectedStore } from "./rejected-store.mjs";
    assert.equal(new RejectedStore(new DatabaseSync(process.env.DATABASE)).list().length, ${count});
  `;
  await run([node24, "--input-type=module", "--eval", script], cwd, { DATABASE });
}

test("key-reset: delivers a rejected event exactly once, as soon as it has the new key", patience, async (t) => {
  const DATABASE = join(temporary(t), "webhooks.db");
  const start = (env) => serve(t, [node24, "server.mjs"], { cwd, env: { DATABASE, ...env } });

  const before = await start({ WALNUT_WEBHOOK_KEY: KEY });
  await rejects(before, DEMO, signed(DEMO, NEW_KEY));
  await rejects(before, PLAYLIST, signed(PLAYLIST, "a forger's key"));
  await before.printed(/^Kept/, 2);
  assert.deepEqual(printedDeliveries(before), []);
  await before.stop("SIGKILL");
  await keeps(DATABASE, 2);

  const after = await start({ WALNUT_WEBHOOK_KEY: NEW_KEY, WALNUT_WEBHOOK_KEY_PREVIOUS: KEY });
  assert.deepEqual(printedDeliveries(after), ["stored demo_session_finished keyIndex 0"]);
  await keeps(DATABASE, 1);
  // Walnut's own retries, signed with either key.
  for (const key of [NEW_KEY, KEY]) assert.equal((await post(after.url, DEMO, signed(DEMO, key))).status, 200);
  await rejects(after, PLAYLIST, signed(PLAYLIST, "a forger's key"));
  assert.equal((await post(after.url, PLAYLIST, signed(PLAYLIST, NEW_KEY))).status, 200);
  await after.printed(/^stored playlist_session_finished/);
  assert.deepEqual(printedDeliveries(after), [
    "stored demo_session_finished keyIndex 0",
    "duplicate demo_session_finished keyIndex 0",
    "duplicate demo_session_finished keyIndex 1",
    "stored playlist_session_finished keyIndex 0",
  ]);
  await after.stop("SIGKILL");

  const restarted = await start({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  assert.deepEqual(printedDeliveries(restarted), [], "a delivery was repeated");
});

test("key-reset: delivers no rejected event that the previous key signed", patience, async (t) => {
  const DATABASE = join(temporary(t), "webhooks.db");
  const start = (env) => serve(t, [node24, "server.mjs"], { cwd, env: { DATABASE, ...env } });
  const before = await start({ WALNUT_WEBHOOK_KEY: NEW_KEY });
  await rejects(before, DEMO, signed(DEMO, KEY));
  await before.printed(/^Kept/);
  await before.stop();
  const after = await start({ WALNUT_WEBHOOK_KEY: NEW_KEY, WALNUT_WEBHOOK_KEY_PREVIOUS: KEY });
  assert.deepEqual(printedDeliveries(after), []);
});

test("key-reset: limits the number, the size and the age of rejected requests", patience, async () => {
  const script = `
    import assert from "node:assert/strict";
    import { DatabaseSync } from "node:sqlite";
    import { RejectedStore } from "./rejected-store.mjs";
    let now = 1000;
    const open = (limits) => new RejectedStore(new DatabaseSync(":memory:"), { now: () => now, ...limits });
    const add = (store, ...sizes) => sizes.map((size, i) => store.add(new Uint8Array(size), String(i)));

    assert.deepEqual(add(open({ maxCount: 2 }), 1, 1, 1), [true, true, false]);
    assert.deepEqual(add(open({ maxBytes: 10 }), 6, 5, 4, 1), [true, false, true, false]);
    assert.deepEqual(add(open({ maxBodyBytes: 5 }), 5, 6), [true, false]);

    const store = open({ maxCount: 1, maxAge: 100 });
    const body = new TextEncoder().encode("body");
    assert.equal(store.add(body, "signature"), true);
    assert.equal(store.add(body, "signature"), false, "an equal request was kept twice");
    now += 100;
    assert.deepEqual(store.list().map(({ body, signature }) => [Buffer.from(body).toString(), signature]), [["body", "signature"]]);
    now += 1;
    assert.deepEqual(store.list(), []);
    assert.equal(store.add(body, "signature"), true, "an expired request takes up room");
    store.remove(store.list()[0].id);
    assert.deepEqual(store.list(), []);
  `;
  await run([node24, "--input-type=module", "--eval", script], cwd);
});
