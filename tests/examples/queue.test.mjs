// Queues that store a delivery before the receiver acknowledges it. The tests kill the programs between the
// acknowledgement and the work.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { startPostgres, startRedis, temporary } from "./services.mjs";
import { DEMO, patience, PLAYLIST, post, root, serve, start } from "./support.mjs";

const cwd = join(root, "examples/queue");
const [DEMO_ID, PLAYLIST_ID] = [DEMO, PLAYLIST].map((body) => {
  const { event, data } = JSON.parse(body);
  return `${event}:${data.session_id}`;
});
const node24 = join(root, "tests/node_modules/node24/bin/node");

/** Starts the storage of each queue. `crash` interrupts it as a power cut would, and `block` makes it unavailable. */
const queues = {
  bullmq: async (t) => {
    const redis = await startRedis(t, { durable: true });
    return { node: process.execPath, env: { REDIS_URL: redis.url }, crash: redis.crash, block: redis.stop };
  },
  "pg-boss": async (t) => {
    const postgres = await startPostgres(t);
    return { node: process.execPath, env: { DATABASE_URL: postgres.url }, crash: postgres.crash, block: postgres.stop, query: postgres.query };
  },
  sqlite: async (t) => {
    const file = join(temporary(t), "queue.db");
    const lock = `
      const database = new (await import("node:sqlite")).DatabaseSync(process.env.QUEUE_FILE);
      database.exec("BEGIN IMMEDIATE");
      console.log("locked");
      setInterval(() => {}, 1000);
    `;
    return {
      node: node24, // Node 20 has no node:sqlite
      env: { QUEUE_FILE: file },
      crash: () => {},
      block: async () => {
        const process = start(t, [node24, "--input-type=module", "--eval", lock], { env: { QUEUE_FILE: file } });
        await process.printed(/locked/);
        return process;
      },
    };
  },
};

/** Starts the service that the worker calls. It answers the nth request with the nth of `answers`, and further ones with 200. */
async function startService(t, answers = []) {
  const requests = [];
  const changes = new EventEmitter();
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    requests.push({ id: request.headers["idempotency-key"], event: JSON.parse(Buffer.concat(pieces)) });
    const answer = answers[requests.length - 1] ?? 200;
    if (answer !== "nothing") response.writeHead(answer).end();
    changes.emit("change");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const received = async (count) => {
    while (requests.length < count) await once(changes, "change");
  };
  return { requests, received, url: `http://127.0.0.1:${server.address().port}/` };
}

test("pg-boss: does not acknowledge a delivery after its queue was deleted", patience, async (t) => {
  const store = await queues["pg-boss"](t);
  const { url } = await serve(t, [store.node, "server.mjs"], { cwd, env: { ...store.env, QUEUE: "./pg-boss.mjs" } });
  store.query("SELECT pgboss.delete_queue('walnut')");
  const { status, error } = await post(url, DEMO);
  assert.deepEqual([status, error?.code], [500, "handler_failed"]);
});

test("sqlite: continues to work after the file was locked", patience, async (t) => {
  const store = await queues.sqlite(t);
  const service = await startService(t);
  const env = { ...store.env, QUEUE: "./sqlite.mjs", SERVICE_URL: service.url };
  const receiver = await serve(t, [store.node, "server.mjs"], { cwd, env });
  const worker = start(t, [store.node, "worker.mjs"], { cwd, env });
  await worker.printed(/waiting for deliveries/);
  const lock = await store.block();
  await worker.printed(/database is locked/);
  await lock.stop();
  assert.equal((await post(receiver.url, DEMO)).status, 200);
  await Promise.race([service.received(1), worker.printed(/never printed/)]); // `printed` fails if the worker ends
  assert.deepEqual(service.requests.map(({ id }) => id), [DEMO_ID]);
});

for (const [name, open] of Object.entries(queues)) {
  const prepare = async (t, { answers, leaseSeconds = 60 } = {}) => {
    const store = await open(t);
    const service = await startService(t, answers);
    const env = { ...store.env, QUEUE: `./${name}.mjs`, SERVICE_URL: service.url, LEASE_SECONDS: String(leaseSeconds) };
    return {
      store,
      service,
      startReceiver: () => serve(t, [store.node, "server.mjs"], { cwd, env }),
      startWorker: () => start(t, [store.node, "worker.mjs"], { cwd, env }),
    };
  };

  test(`${name}: loses and repeats no delivery after a crash between the acknowledgement and the work`, patience, async (t) => {
    const { store, service, startReceiver, startWorker } = await prepare(t);
    const killed = await startReceiver();
    for (const body of [DEMO, DEMO, PLAYLIST]) assert.deepEqual(await post(killed.url, body), { status: 200, ok: true });
    await killed.stop("SIGKILL");
    await store.crash();
    assert.deepEqual(service.requests, []);

    const receiver = await startReceiver();
    startWorker();
    await service.received(2);
    const odd = { event: "odd", text: "\u0000 \ud800" };
    // Walnut sends an unacknowledged event again. The last event shows that the queue is empty.
    for (const body of [DEMO, PLAYLIST, JSON.stringify(odd)]) assert.equal((await post(receiver.url, body)).status, 200);
    await service.received(3);
    assert.deepEqual(service.requests.slice(0, 2), [
      { id: DEMO_ID, event: JSON.parse(DEMO) },
      { id: PLAYLIST_ID, event: JSON.parse(PLAYLIST) },
    ]);
    assert.deepEqual(service.requests.slice(2).map(({ event }) => event), [odd]);
  });

  test(`${name}: repeats failed work, and the work of a killed worker`, patience, async (t) => {
    const { service, startReceiver, startWorker } = await prepare(t, { answers: [500, "nothing"], leaseSeconds: 1 });
    const receiver = await startReceiver();
    const killed = startWorker();
    await post(receiver.url, DEMO);
    await service.received(2);
    await killed.stop("SIGKILL");
    startWorker();
    await service.received(3);
    assert.deepEqual(new Set(service.requests.map(({ id }) => id)), new Set([DEMO_ID]));
  });

  test(`${name}: does not acknowledge a delivery that it cannot store`, patience, async (t) => {
    const { store, startReceiver } = await prepare(t);
    const receiver = await startReceiver();
    await store.block();
    const { status, error } = await post(receiver.url, DEMO);
    assert.deepEqual([status, error?.code], [500, "handler_failed"]);
  });

  test(`${name}: stores only genuine deliveries`, patience, async (t) => {
    const { service, startReceiver, startWorker } = await prepare(t);
    const receiver = await startReceiver();
    startWorker();
    const forged = await post(receiver.url, DEMO, { "x-walnut-signature": "0".repeat(64) });
    assert.deepEqual([forged.status, forged.error?.code], [401, "signature_mismatch"]);
    await post(receiver.url, PLAYLIST);
    await service.received(1);
    assert.deepEqual(service.requests.map(({ id }) => id), [PLAYLIST_ID]);
  });
}

test("queue: names a missing environment variable", patience, async (t) => {
  const QUEUE = "./bullmq.mjs";
  const SERVICE_URL = "http://127.0.0.1:1/";
  for (const [file, env, name, example] of [
    ["server.mjs", {}, "QUEUE", QUEUE],
    ["worker.mjs", { QUEUE }, "SERVICE_URL", "https://crm.example.com/sessions"],
    ["worker.mjs", { SERVICE_URL }, "QUEUE", QUEUE],
    ["server.mjs", { QUEUE }, "REDIS_URL", "redis://127.0.0.1:6379"],
    ["server.mjs", { QUEUE: "./pg-boss.mjs" }, "DATABASE_URL", "postgres://"],
  ]) {
    const program = start(t, [process.execPath, file], { cwd, env });
    const line = await program.printed(/./);
    assert.ok(line.startsWith(`The environment variable ${name} is missing.`) && line.includes(example), line);
    await assert.rejects(program.printed(/^$/), /ended with 1 before/);
    assert.equal(program.lines.length, 1, program.lines.join("\n"));
  }
});
