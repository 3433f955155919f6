// The start of `edge start`, and its messages if it can't start.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { test as plainTest } from "node:test";
import { event, inShard, sign, TOKEN } from "../worker/support.mjs";
import { destination, launch, locks, project, running, startEdge, stop, variables, workerdOf } from "./edge-support.mjs";
import { folder, KEY, main, start } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);

/** Starts the command, which must fail and leave nothing behind, and returns its message. */
async function failsToStart(t, data, options) {
  const { ended } = launch(t, data, options);
  const { status, err } = await ended;
  equal(status, 2, err);
  deepEqual([running(data), locks(data)], [[], []]);
  match(err, /^walnut-webhooks: /);
  return err;
}

for (const [host, url] of [["127.0.0.1", "http://127.0.0.1:"], ["::1", "http://[::1]:"], ["localhost", "http://localhost:"]]) {
  test(`listens on ${host}`, async (t) => {
    const edge = await startEdge(t, folder(t), { env: variables(await destination(t)), args: ["--host", host] });
    ok(edge.url.startsWith(url), edge.url);
    equal((await edge.post(event())).status, 200);
  });
}

test("writes each line with its time as the first member", async (t) => {
  const from = new Date().toISOString();
  const edge = await startEdge(t, folder(t), { env: variables(await destination(t)) });
  equal((await edge.post(event())).status, 200);
  await edge.logged({ event: "delivered" });
  equal((await stop(edge)).status, 0);
  const events = edge.lines.map((line) => line.event);
  for (const event of ["started", "accepted", "delivered", "stopping", "stopped"]) ok(events.includes(event), event);
  const times = edge.lines.map((line) => line.time);
  for (const line of edge.lines) equal(Object.keys(line)[0], "time");
  for (const time of times) match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  deepEqual([from, ...times, new Date().toISOString()].sort(), [from, ...times, new Date().toISOString()]);
});

test("listens on all addresses", async (t) => {
  const edge = await startEdge(t, folder(t), { env: variables(await destination(t)), args: ["--host", "0.0.0.0"] });
  equal((await fetch(`http://127.0.0.1:${new URL(edge.url).port}/healthz`)).status, 200);
});

test("delivers stored events after a restart", async (t) => {
  const origin = await destination(t);
  origin.answer = (_, response) => response.writeHead(503, { "retry-after": "1" }).end();
  const data = folder(t);
  const edge = await startEdge(t, data, { env: variables(origin) });
  const body = event();
  equal((await edge.post(body)).status, 200);
  await origin.took(1);
  equal((await stop(edge)).status, 0);
  origin.answer = (_, response) => response.end();
  const restarted = await startEdge(t, data, { env: variables(origin) });
  await restarted.logged({ event: "delivered" });
  equal(`${origin.taken.at(-1).body}`, body);
});

test("runs the cron trigger at the start, which wakes each shard", async (t) => {
  const origin = await destination(t);
  origin.answer = (_, response) => response.writeHead(503, { "retry-after": "1" }).end();
  const data = folder(t);
  const env = { ...variables(origin), SHARDS: "2" };
  const edge = await startEdge(t, data, { env });
  const body = inShard(1, 2);
  equal((await edge.post(body)).status, 200);
  await origin.took(1);
  equal((await stop(edge)).status, 0);
  // The alarms are in these files.
  const inbox = join(data, "inbox/walnut-webhooks-Inbox");
  for (const file of readdirSync(inbox)) if (file.startsWith("metadata.sqlite")) rmSync(join(inbox, file));
  const sent = origin.taken.length;
  origin.answer = (_, response) => response.end();
  await startEdge(t, data, { env });
  equal(`${(await origin.took(sent + 1)).body}`, body);
});

test("runs the cron trigger every 5 minutes, and logs a failure", async (t) => {
  const data = folder(t);
  // 5 minutes are 100 ms here.
  const fast = "const real = setInterval; globalThis.setInterval = (work, ms) => real(work, ms === 300_000 ? 100 : ms);";
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(fast)}`;
  const edge = await startEdge(t, data, { env: { ...variables(await destination(t)), NODE_OPTIONS } });
  rmSync(join(data, "control.sock"));
  const { reason } = await edge.logged({ event: "cron_failed" });
  equal(reason, "there is no such file");
  equal((await edge.post(event())).status, 200);
});

test("refuses a folder that another process uses, and does not disturb that process", async (t) => {
  const data = folder(t);
  const env = variables(await destination(t));
  const edge = await startEdge(t, data, { env });
  const { status, err } = await launch(t, data, { env }).ended;
  deepEqual([status, err], [2, `walnut-webhooks: another process uses the folder ${data}: stop it first, or choose another folder with --data\n`]);
  equal((await edge.post(event())).status, 200);
  equal(locks(data).length, 1);
});

test("only one of several processes runs if they start on a new folder at the same time", async (t) => {
  const data = join(folder(t), "new");
  const env = variables(await destination(t));
  const edges = Array.from({ length: 4 }, () => launch(t, data, { env }));
  const first = await Promise.any(edges.map(async (edge) => (await edge.logged({ event: "started" }), edge)));
  const ended = await Promise.all(edges.filter((edge) => edge !== first).map(({ ended }) => ended));
  deepEqual(ended.map(({ status }) => status), [2, 2, 2]);
  for (const { err } of ended) match(err, /another process uses the folder/);
  equal(running(data).length, 1);
  equal((await stop(first)).status, 0);
});

test("says that a port is in use", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address();
  const command = start(["edge", "start", "--data", join(folder(t), "data"), "--port", `${port}`], { cwd: project, env: variables(await destination(t)), input: "" });
  const { status, out, err } = await command.ended;
  deepEqual([status, out, err], [2, "", `walnut-webhooks: can't listen on port ${port} of 127.0.0.1: the port is in use. Use another --port, or --port 0 for any free port\n`]);
});

test("says that an address does not belong to this machine", async (t) => {
  const err = await failsToStart(t, folder(t), { env: variables(await destination(t)), args: ["--host", "192.0.2.1"] });
  equal(err, "walnut-webhooks: can't listen on port 0 of 192.0.2.1: the address does not belong to this machine. Use another --host\n");
});

test("rejects a host that is neither an IP address nor localhost", async (t) => {
  for (const host of ["example.com", "*", "127.0.0.1:80", ""]) {
    match(await failsToStart(t, folder(t), { args: [`--host=${host}`] }), /--host must be an IP address of this machine, or localhost, but is /);
  }
});

test("says that a port below 1024 needs a privilege", async (t) => {
  const data = folder(t);
  // In a user namespace, root has no privilege over the ports of the machine.
  const args = ["--user", "--map-root-user", process.execPath, main, "edge", "start", "--data", data, "--port", "80"];
  const env = { PATH: process.env.PATH, WALNUT_WEBHOOK_KEY: KEY, ...variables(await destination(t)) };
  const child = spawn("unshare", args, { cwd: project, env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)) });
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  const [status] = await once(child, "close");
  deepEqual([status, err], [2, "walnut-webhooks: can't listen on port 80 of 127.0.0.1: permission denied. Use a --port from 1024\n"]);
});

test("says that workerd is not installed", async (t) => {
  const cwd = folder(t);
  const err = await failsToStart(t, join(cwd, "data"), { cwd, env: variables(await destination(t)) });
  equal(err, `walnut-webhooks: workerd is not installed in ${cwd}: run npm install in a folder that \`walnut-webhooks edge init\` has written\n`);
  ok(!existsSync(join(cwd, "data")));
});

test("says why workerd did not start", async (t) => {
  const cwd = folder(t);
  const bin = join(cwd, "node_modules/workerd/bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "../package.json"), JSON.stringify({ name: "workerd", main: "main.js" }));
  writeFileSync(join(bin, "../main.js"), "exports.default = `${__dirname}/bin/workerd`;");
  const programs = {
    "#!/bin/sh\necho 'a library is missing' >&2\nexit 127\n": /workerd did not start \(status 127\): a library is missing\n$/,
    "#!/bin/sh\nkill -KILL $$\n": /workerd did not start \(signal SIGKILL\): it wrote nothing\n$/,
    "#!/no/such/interpreter\n": /workerd did not start \(there is no such file\): it wrote nothing\n$/,
  };
  for (const [program, message] of Object.entries(programs)) {
    writeFileSync(join(bin, "workerd"), program);
    chmodSync(join(bin, "workerd"), 0o755);
    match(await failsToStart(t, join(cwd, "data"), { cwd, env: variables(await destination(t)) }), message);
  }
});

test("says that the path of the folder is too long", async (t) => {
  const err = await failsToStart(t, join(folder(t), "x".repeat(100)), { env: variables(await destination(t)) });
  match(err, /is too long for a socket: it may have 103 bytes. Use a shorter --data\n$/);
});

test("says that the folder is a file", async (t) => {
  const data = join(folder(t), "file");
  writeFileSync(data, "");
  const { status, err } = await launch(t, data, { env: variables(await destination(t)) }).ended;
  deepEqual([status, err], [2, `walnut-webhooks: the folder ${data} can't be written: a file has this name\n`]);
});

test("writes errors as JSON with --json", async (t) => {
  const data = folder(t);
  const { ended } = launch(t, data, { env: { ...variables(await destination(t)), MODE: "x" }, args: ["--json"] });
  const { status, err } = await ended;
  equal(status, 2);
  equal(JSON.parse(err).error.code, "misconfigured");
});

test("writes no secret into the data folder or a command line", async (t) => {
  const data = folder(t);
  const secrets = { WALNUT_WEBHOOK_KEY: "a-key-that-is-a-secret", ADMIN_TOKEN: TOKEN };
  const edge = await startEdge(t, data, { env: { ...variables(await destination(t)), ...secrets } });
  const body = event();
  equal((await edge.post(body, { "x-walnut-signature": sign(body, secrets.WALNUT_WEBHOOK_KEY) })).status, 200);
  await edge.logged({ event: "delivered" });
  const commands = [edge.child.pid, workerdOf(data)].map((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1"));
  equal((await stop(edge)).status, 0);
  const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  ok(files.some(({ name }) => name.endsWith(".sqlite")));
  const texts = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), "latin1"));
  for (const secret of Object.values(secrets)) ok(![...commands, ...texts].some((text) => text.includes(secret)));
});

