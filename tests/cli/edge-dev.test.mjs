// edge dev, as a process, with real workerd and a real browser.
import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { launch, open } from "../browser/support.mjs";
import { freePort } from "../examples/support.mjs";
import { event } from "../worker/support.mjs";
import { endpoint, environment, folder, KEY, sign, start, startOnTerminal } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const TOKEN = "a-token-of-more-than-thirty-two-characters";
const root = join(import.meta.dirname, "../..");

/** A project with installed packages. `temporary` is its folder for temporary files; `env` has no key. */
function project(t, variables) {
  const cwd = folder(t);
  const temporary = join(cwd, "tmp");
  mkdirSync(temporary);
  symlinkSync(join(root, "node_modules"), join(cwd, "node_modules"));
  const write = (lines) => writeFileSync(join(cwd, ".dev.vars"), lines.map((line) => `${line}\n`).join(""));
  if (variables !== undefined) write(variables);
  return { cwd, temporary, write, env: { TMPDIR: temporary, WALNUT_WEBHOOK_KEY: undefined } };
}

/** Starts `edge dev --json`. `first` is its first line, and `logged` waits for a line with these fields. */
async function dev(t, { cwd, env }, ...args) {
  const started = start(["edge", "dev", "--json", "--port", "0", ...args], { cwd, env, input: "" });
  t.after(() => started.child.kill());
  const first = await started.line();
  const logged = async (fields) => {
    for (;;) {
      const line = await started.line();
      ok(line !== undefined, `it ended before it logged ${JSON.stringify(fields)}`);
      const entry = JSON.parse(line);
      if (Object.entries(fields).every(([name, value]) => entry[name] === value)) return entry;
    }
  };
  const stop = async () => {
    started.child.kill("SIGINT");
    return (await started.ended).status;
  };
  return { ...started, first: first && JSON.parse(first), logged, stop };
}

async function post(url, body, key) {
  const headers = key === undefined ? {} : { "x-walnut-signature": sign(body, key) };
  return (await fetch(url, { method: "POST", body, headers })).status;
}

/** The text of a terminal without colours, as lines. */
const plainLines = (shown) => shown.replaceAll("\r", "").replace(/\x1b\[[0-9;]*m/g, "").split("\n");

/** Runs the command that `edge dev` shows, as a user who pastes it into another shell. */
function paste({ cwd, env }, shown) {
  const lines = plainLines(shown);
  const at = lines.findIndex((line) => line.endsWith(" \\"));
  const command = lines.slice(at, at + 2).join("\n");
  return { command, ...spawnSync("sh", ["-c", command], { cwd, env: environment(env), encoding: "utf8" }) };
}

const isRunning = (pid) => process.kill(pid, 0);

test("edge dev shows a command that sends an event to the sample origin, and leaves no process and no file after Ctrl-C", async (t) => {
  const made = project(t);
  const { until, output, type, ended, child } = startOnTerminal(["edge", "dev", "--port", "0"], made);
  t.after(() => child.kill());
  await until("Ctrl-C ends it.");
  const { status, stdout, command } = paste(made, output());
  equal(status, 0, stdout);
  match(command, /^ {2}WALNUT_WEBHOOK_KEY=[0-9a-f]{32} \\\n {4}npx walnut-webhooks send http:\/\/127\.0\.0\.1:\d+\/webhook$/);
  await until("received");
  await until("delivered");
  const [data] = readdirSync(made.temporary);
  const pid = Number(readFileSync(join(made.temporary, data, "workerd.pid"), "utf8"));
  ok(isRunning(pid));

  type("\x03");
  const { status: exitStatus, shown } = await ended;
  equal(exitStatus, 0, shown);
  deepEqual(readdirSync(made.temporary), []);
  throws(() => isRunning(pid), { code: "ESRCH" });
  deepEqual(plainLines(shown).filter((line) => line.length > 80), []);
  match(plainLines(shown).join("\n"), /origin {2}received {3}demo_session_finished:[0-9a-f]{8}… {2}[\d,]+ bytes/);
});

test("the admin link of edge dev signs in, and the page removes the token from the URL", async (t) => {
  const made = project(t);
  const { first, stop } = await dev(t, made);
  const browser = await launch();
  t.after(() => browser.close());
  equal(await post(first.webhook, event(), first.madeUp.WALNUT_WEBHOOK_KEY), 200);

  const { page, wrong } = await open(browser, first.admin);
  await page.waitForSelector("#tools", { state: "visible" });
  await page.locator("#shown", { hasText: "Shown: 1, all" }).waitFor();
  equal(page.url(), first.admin.split("#")[0]);
  equal(await page.inputValue("#token"), "");
  await page.click("#leave");
  await page.waitForSelector("#gate", { state: "visible" });

  // A link that is opened in the same tab changes only the fragment.
  await page.goto(first.admin);
  await page.waitForSelector("#tools", { state: "visible" });
  deepEqual(wrong, []);
  const other = await open(browser, `${first.admin}x`);
  await other.page.locator("#gate-note", { hasText: "This is not the edge's ADMIN_TOKEN." }).waitFor();
  equal(await stop(), 0);
});

test("edge dev uses the values of .dev.vars, and does not print them", async (t) => {
  const { url, taken } = await endpoint(t);
  const made = project(t, [`WALNUT_WEBHOOK_KEY="${KEY}"`, `ADMIN_TOKEN=${TOKEN}`, `ORIGIN_URL=${url}`, "WEBHOOK_PATH=/hooks"]);
  const { first, logged, stop } = await dev(t, made);
  deepEqual(first.madeUp, { ALLOW_LOOPBACK: "1" });
  match(first.webhook, /\/hooks$/);
  match(first.admin, /\/admin\/$/);
  equal(await post(first.webhook, event(), "another key"), 401);
  const body = event();
  equal(await post(first.webhook, body, KEY), 200);
  await logged({ event: "delivered" });
  equal(taken.at(-1).body.toString(), body);
  const response = await fetch(`${first.admin}status`, { headers: { authorization: `Bearer ${TOKEN}` } });
  equal(response.status, 200);
  equal(await stop(), 0);

  const terminal = startOnTerminal(["edge", "dev", "--port", "0"], made);
  t.after(() => terminal.child.kill());
  await terminal.until("Ctrl-C ends it.");
  const pasted = paste(made, terminal.output());
  equal(pasted.status, 0, pasted.stderr);
  terminal.type("\x03");
  const { status, shown } = await terminal.ended;
  equal(status, 0);
  ok(!shown.includes(KEY) && !shown.includes(TOKEN), shown);
});

test("edge dev names the destinations, and says in one line why an attempt failed", async (t) => {
  const failing = await endpoint(t, (_, response) => response.writeHead(503).end());
  const destinations = [
    { name: "crm", url: failing.url },
    { name: "mail", url: `http://127.0.0.1:${await freePort()}/`, headers: { "x-token": TOKEN } },
  ];
  const made = project(t, [`DESTINATIONS='${JSON.stringify(destinations)}'`]);
  const { until, output, child } = startOnTerminal(["edge", "dev", "--port", "0"], made);
  t.after(() => child.kill());
  await until("Ctrl-C ends it.");
  match(plainLines(output()).join("\n"), /^ {2}origin {3}crm, mail$/m);
  equal(paste(made, output()).status, 0);
  await until("to crm: answered 503");
  await until("to mail: refused the connection");
  match(plainLines(output()).join("\n"), /^\S+ {2}edge {4}not_delivered {2}to mail: refused the connection$/m);
  ok(!output().includes(TOKEN) && !output().includes(failing.url), output());
});

test("edge dev keeps an event from before its key exists, and delivers it after a restart with the key", async (t) => {
  const made = project(t, ["SETUP=1"]);
  const before = await dev(t, made, "--data", "data");
  ok(!("WALNUT_WEBHOOK_KEY" in before.first.madeUp));
  const body = event();
  equal(await post(before.first.webhook, body), 200);
  await before.logged({ event: "unsigned", setup: true });
  equal(await post(before.first.webhook, body, KEY), 200);
  await before.logged({ event: "kept", setup: true });
  equal(await before.stop(), 0);

  made.write(["SETUP=1", `WALNUT_WEBHOOK_KEY=${KEY}`]);
  const after = await dev(t, made, "--data", "data");
  const { id } = await after.logged({ event: "received" });
  equal(id, `demo_session_finished:${JSON.parse(body).data.session_id}`);
  equal(await after.stop(), 0);
  ok(readdirSync(join(made.cwd, "data")).includes("inbox"));
});

test("edge dev shows how to set up the key, and its command works", async (t) => {
  const made = project(t, ["SETUP=1"]);
  const { until, output, type, ended, child } = startOnTerminal(["edge", "dev", "--port", "0", "--data", "data"], made);
  t.after(() => child.kill());
  await until("Ctrl-C ends it.");
  equal(paste(made, output()).status, 0);
  await until("kept");
  type("\x03");
  const { status, shown } = await ended;
  equal(status, 0);
  match(plainLines(shown).join("\n"), /add WALNUT_WEBHOOK_KEY=(\S+) to \.dev\.vars/);
  deepEqual(plainLines(shown).filter((line) => line.length > 80), []);
});

test("edge dev makes up no value for a misspelt variable, and reports the mistake", async (t) => {
  const made = project(t, [`WALNUT_WEBHOK_KEY=${KEY}`]);
  const { first, logged } = await dev(t, made);
  ok(!("WALNUT_WEBHOOK_KEY" in first.madeUp));
  await fetch(first.webhook, { method: "POST", body: event() });
  const { mistakes } = await logged({ event: "misconfigured" });
  match(mistakes.join("\n"), /WALNUT_WEBHOK_KEY is not a variable of the edge: did you mean WALNUT_WEBHOOK_KEY\?/);
});

for (const signal of ["SIGTERM", "SIGHUP"]) {
  test(`edge dev stops cleanly after ${signal}`, async (t) => {
    const made = project(t);
    const { child, ended } = await dev(t, made);
    child.kill(signal);
    const { status, err } = await ended;
    deepEqual([status, err, readdirSync(made.temporary)], [0, "", []]);
  });
}

test("edge dev fails when workerd ends by itself", async (t) => {
  const made = project(t);
  const { ended } = await dev(t, made, "--data", "data");
  process.kill(Number(readFileSync(join(made.cwd, "data/workerd.pid"), "utf8")), "SIGKILL");
  const { status, err } = await ended;
  equal(status, 1);
  match(err, /workerd has ended: signal SIGKILL/);
});

test("edge dev reports a port in use, and a missing workerd", async (t) => {
  const made = project(t);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const { port } = server.address();
  for (const option of ["--port", "--origin-port"]) {
    const args = ["edge", "dev", "--json", option, `${port}`, ...(option === "--port" ? [] : ["--port", "0"])];
    const { child, line, ended } = start(args, made);
    t.after(() => child.kill());
    equal(await line(), undefined);
    const { status, err } = await ended;
    equal(status, 2, err);
    match(err, new RegExp(`can't listen on port ${port} of 127\\.0\\.0\\.1: the port is in use\\. Use another ${option}, or ${option} 0 `));
  }
  deepEqual(readdirSync(made.temporary), []);
  const { status, err } = await start(["edge", "dev"], { cwd: folder(t) }).ended;
  equal(status, 2);
  match(err, /workerd is not installed in .*: run npm install/);
});
