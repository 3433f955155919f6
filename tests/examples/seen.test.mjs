// The `seen` stores. Two processes share each store, and both receive the same event.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startRedis, temporary } from "./services.mjs";
import { patience, PLAYLIST, post, receives, root, run, serve } from "./support.mjs";

const stores = {
  "seen-sqlite": {
    // Node 20 has no node:sqlite.
    node: join(root, "tests/node_modules/node24/bin/node"),
    env: async (t) => ({ SEEN: join(temporary(t), "seen.db") }),
    open: `
      import { SqliteStore } from "./sqlite-store.mjs";
      const open = () => new SqliteStore(process.env.SEEN);
    `,
  },
  "seen-redis": {
    node: process.execPath,
    env: async (t) => ({ REDIS_URL: (await startRedis(t)).url }),
    open: `
      import { createClient } from "redis";
      import { RedisStore } from "./redis-store.mjs";
      const open = async () => new RedisStore(await createClient({ url: process.env.REDIS_URL }).connect());
    `,
  },
};

for (const [name, { node, env, open }] of Object.entries(stores)) {
  const cwd = join(root, "examples", name);

  test(`${name}: handles each genuine event once in all processes`, patience, async (t) => {
    const options = { cwd, env: await env(t) };
    const servers = [
      await serve(t, [node, "server.mjs"], options),
      await serve(t, [node, "server.mjs"], options),
    ];
    await receives(servers[0], (...sent) => post(servers[0].url, ...sent));
    assert.deepEqual(await post(servers[1].url, PLAYLIST), { status: 200, ok: true });

    const body = PLAYLIST.toString().replace("5d1b5c3e", "another");
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => post(servers[i % 2].url, body)));
    for (const { status, error } of answers) assert.ok(status === 200 || error.code === "delivery_busy", error?.code);
    for (const { url, printed } of servers) {
      await post(url, JSON.stringify({ event: "last", url }));
      await printed(/^unknown /);
    }
    const printed = servers.flatMap(({ lines }) => lines.filter((line) => line.includes("_session_finished:")));
    assert.equal(printed.length, 3, printed.join("\n"));
  });

  test(`${name}: a lease belongs to one process and expires, and no other process can release it`, patience, async (t) => {
    const script = `
      ${open}
      import { contract } from ${JSON.stringify(join(import.meta.dirname, "seen-contract.mjs"))};
      await contract(await open(), await open());
      process.exit();
    `;
    await run([node, "--input-type=module", "--eval", script], cwd, await env(t));
  });
}

test("seen-redis: without Redis, handles no event, and answers 503 so that Walnut sends it again", patience, async (t) => {
  const redis = await startRedis(t);
  const cwd = join(root, "examples/seen-redis");
  const server = await serve(t, [process.execPath, "server.mjs"], { cwd, env: { REDIS_URL: redis.url } });
  await redis.stop();
  const answer = await post(server.url, PLAYLIST);
  assert.deepEqual([answer.status, answer.error?.code], [503, "store_failed"]);
  assert.deepEqual(server.lines.filter((line) => line.startsWith("playlist_session_finished")), []);
});
