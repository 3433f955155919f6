// How `edge start` ends: by a signal, and when it or its workerd is killed.
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { deferred, event, half, sign } from "../worker/support.mjs";
import { destination, kill, launch, locks, running, startEdge, stop, variables, workerdOf } from "./edge-support.mjs";
import { folder } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);

/** The time limit of requests in flight, and the time that the command may take beyond it. */
const GRACE_MS = 10_000;
const MARGIN_MS = 5000;

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  test(`${signal} ends the command with 0, and leaves no process and no lock`, async (t) => {
    const data = folder(t);
    const edge = await startEdge(t, data, { env: variables(await destination(t)) });
    deepEqual(running(data), [workerdOf(data)]);
    edge.child.kill(signal);
    const { status, err } = await edge.ended;
    deepEqual([status, err], [0, ""]);
    deepEqual(edge.lines.slice(-2).map(({ event }) => event), ["stopping", "stopped"]);
    deepEqual([running(data), locks(data)], [[], []]);
  });
}

test("SIGTERM waits for a delivery in flight, stores its result, and refuses new requests meanwhile", async (t) => {
  const origin = await destination(t);
  const held = deferred();
  origin.answer = (_, response) => void held.promise.then(() => response.end());
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  const body = event();
  equal((await edge.post(body)).status, 200);
  await origin.took(1);
  edge.child.kill("SIGTERM");
  await edge.logged({ event: "stopping" });
  await waitForRefusal(edge.url);
  equal(edge.child.exitCode, null);
  held.resolve();
  equal((await edge.ended).status, 0);
  ok(edge.lines.some(({ event }) => event === "delivered"));

  const restarted = await startEdge(t, data, { env: variables(origin) });
  const next = event();
  equal((await restarted.post(next)).status, 200);
  await restarted.logged({ event: "delivered" });
  deepEqual(origin.taken.map(({ body }) => `${body}`), [body, next]);
});

test("SIGTERM lets a request in flight finish, and answers it", async (t) => {
  const origin = await destination(t);
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  const body = event();
  const lines = [`X-Walnut-Signature: ${sign(body)}`, `Content-Length: ${body.length}`];
  const socket = half(t, edge, lines, body.slice(0, 10));
  await waitForConnections(edge.url);
  edge.child.kill("SIGTERM");
  await edge.logged({ event: "stopping" });
  await waitForRefusal(edge.url);
  socket.write(body.slice(10));
  const [response] = await once(socket, "data");
  ok(`${response}`.startsWith("HTTP/1.1 200 "), `${response}`);
  equal((await edge.ended).status, 0);

  await startEdge(t, data, { env: variables(origin) });
  equal(`${(await origin.took(1)).body}`, body);
});

test("SIGTERM ends the command after 10 s if a destination takes longer, and the delivery is sent after the restart", async (t) => {
  const origin = await destination(t);
  origin.answer = () => {};
  const data = folder(t);
  const edge = await startEdge(t, data, { env: { ...variables(origin), ORIGIN_TIMEOUT: "25s" } });
  const body = event();
  equal((await edge.post(body)).status, 200);
  await origin.took(1);
  const began = Date.now();
  equal((await stop(edge)).status, 0);
  const took = Date.now() - began;
  ok(took >= GRACE_MS && took < GRACE_MS + MARGIN_MS, `it took ${took} ms`);
  deepEqual([running(data), locks(data)], [[], []]);

  origin.answer = (_, response) => response.end();
  const restarted = await startEdge(t, data, { env: variables(origin) });
  await restarted.logged({ event: "delivered" });
  equal(`${(await origin.took(2)).body}`, body);
});

test("a second signal ends the command and its workerd at once, unless it follows the first within 500 ms", async (t) => {
  const origin = await destination(t);
  origin.answer = () => {};
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  equal((await edge.post(event())).status, 200);
  await origin.took(1);
  edge.child.kill("SIGTERM");
  await edge.logged({ event: "stopping" });
  const from = Date.now();
  const repeated = setInterval(() => edge.child.kill("SIGTERM"), 20);
  t.after(() => clearInterval(repeated));
  equal((await edge.ended).status, 130);
  ok(Date.now() - from >= 400, "a repeated signal ended the command too early");
  await waitForEnd(data);
});

test("workerd runs on after the command was killed, and the next start ends it and takes over", async (t) => {
  const origin = await destination(t);
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  edge.child.kill("SIGKILL");
  await edge.ended;
  const orphan = workerdOf(data);
  deepEqual(running(data), [orphan]);
  equal((await edge.post(event())).status, 200);
  await origin.took(1);

  const restarted = await startEdge(t, data, { env: variables(origin) });
  ok(!running(data).includes(orphan));
  await rejects(fetch(edge.url), ({ cause }) => cause.code === "ECONNREFUSED");
  equal((await restarted.post(event())).status, 200);
  await origin.took(2);
  equal((await stop(restarted)).status, 0);
  deepEqual([running(data), locks(data)], [[], []]);
});

test("a start waits for the delivery that an orphan has in flight", async (t) => {
  const origin = await destination(t);
  const held = deferred();
  origin.answer = (_, response) => void held.promise.then(() => response.end());
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  equal((await edge.post(event())).status, 200);
  await origin.took(1);
  edge.child.kill("SIGKILL");
  await edge.ended;
  const restarted = launch(t, data, { env: variables(origin) });
  await waitForRefusal(edge.url);
  held.resolve();
  await restarted.logged({ event: "started" });
  equal((await stop(restarted)).status, 0);
  equal(origin.taken.length, 1);
});

test("an old process id in the folder does not end another process", async (t) => {
  const data = folder(t);
  const other = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"]);
  t.after(() => other.kill());
  writeFileSync(join(data, "workerd.pid"), `${other.pid}\n`);
  const edge = await startEdge(t, data, { env: variables(await destination(t)) });
  equal(edge.health, 200);
  deepEqual([other.exitCode, other.signalCode], [null, null]);
});

test("the command ends with 1 if workerd is killed, and the next start delivers all that was stored", async (t) => {
  const origin = await destination(t);
  origin.answer = (_, response) => response.writeHead(503).end();
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  const bodies = [event(), event(), event()];
  for (const body of bodies) equal((await edge.post(body)).status, 200);
  await kill(workerdOf(data));
  const { status, err } = await edge.ended;
  deepEqual([status, err], [1, ""]);
  const { event: last, reason } = edge.lines.at(-1);
  deepEqual([last, reason], ["stopped", "signal SIGKILL"]);
  deepEqual([running(data), locks(data)], [[], []]);

  const delivered = new Set();
  const all = deferred();
  origin.answer = (_, response, body) => {
    response.end();
    if (delivered.add(`${body}`).size === bodies.length) all.resolve();
  };
  await startEdge(t, data, { env: variables(origin) });
  await all.promise;
  deepEqual([...delivered].sort(), bodies.sort());
});

test("the command ends its workerd if nothing reads its log anymore", async (t) => {
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(await destination(t)) });
  edge.child.stdout.destroy();
  // The next line of the log can't be written. The request may end with the process.
  await Promise.allSettled([edge.post(event())]);
  equal((await edge.ended).status, 141);
  await waitForEnd(data);
});

/** Waits until new requests are refused. */
async function waitForRefusal(url) {
  for (;;) {
    const { status } = await fetch(`${url}/webhook`, { method: "POST", body: "{}" });
    if (status === 503) return;
  }
}

/** Waits until the edge has accepted all connections that were made before. */
async function waitForConnections(url) {
  equal((await fetch(`${url}/healthz`)).status, 200);
}

async function waitForEnd(data) {
  while (running(data).length > 0) await new Promise((resolve) => setImmediate(resolve));
}
