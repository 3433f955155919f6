// Events that arrive out of order, as retries of several events do.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DEMO, patience, PLAYLIST, post, root, serve } from "./support.mjs";

const DEMO_ID = "demo 7a8e73ec-93ef-4f35-aadf-33c2ada9b887";
const PLAYLIST_ID = "playlist 0a6f1f0e-6d0c-4f4e-9d53-2f5f8a1f6d11";

test("newest-by-timestamp: keeps a newer event when an older one arrives later", patience, async (t) => {
  const server = await serve(t, [process.execPath, "server.mjs"], { cwd: join(root, "examples/newest-by-timestamp") });
  const send = async (body, timestamp, session) => {
    const event = JSON.parse(body);
    const data = { ...event.data, session_id: session };
    assert.deepEqual(await post(server.url, JSON.stringify({ ...event, timestamp, data })), { status: 200, ok: true });
  };
  await send(DEMO, "2026-01-01T12:00:00.000002Z", "second");
  await send(DEMO, "2026-01-01T12:00:00.000001Z", "first");
  await send(PLAYLIST, "2026-01-01T11:00:00Z", "another's");
  await send(DEMO, "2026-01-01T14:00:00.000003+02:00", "third");
  await send(DEMO, "2026-01-01T12:00:00.000003Z", "third, again");
  await send(DEMO, "2026-01-01T12:00:00Z", "before the first");
  await send(DEMO, "yesterday", "without a readable time");

  await server.printed(/yesterday/);
  assert.deepEqual(server.lines.filter((line) => /^(newest|older) /.test(line)), [
    `newest ${DEMO_ID} 2026-01-01T12:00:00.000002Z`,
    `older ${DEMO_ID} 2026-01-01T12:00:00.000001Z`,
    `newest ${PLAYLIST_ID} 2026-01-01T11:00:00Z`,
    `newest ${DEMO_ID} 2026-01-01T14:00:00.000003+02:00`,
    `older ${DEMO_ID} 2026-01-01T12:00:00.000003Z`,
    `older ${DEMO_ID} 2026-01-01T12:00:00Z`,
    `older ${DEMO_ID} yesterday`,
  ]);
});
