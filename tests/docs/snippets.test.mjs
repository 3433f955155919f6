// Runs every code block of the pages. The words after its three backticks name a runner of the table below, or a frame of
// frames.mjs. Blocks in TypeScript are also compiled under `strict`.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";
import { DEMO, freePort, KEY, post, run, serve, sign, signed, start } from "../examples/support.mjs";
import { startWorkerd } from "../examples/workerd.mjs";
import { edgeKinds, quiet, wrangler } from "./edge-snippets.mjs";
import { frames } from "./frames.mjs";
import { ID } from "./given.mjs";
import { pages, parse, read, root } from "./markdown.mjs";
import { compile, compileFile, modules, startExpress, writeModule } from "./programs.mjs";
import { queue } from "./queues.mjs";
import { commands, scratch, shell } from "./shell.mjs";
import { typedTest } from "./unit.mjs";

/** A snippet that hangs fails after this time. */
const patience = { timeout: 600_000 };

/** Runs a snippet in its frame as a process, which must exit with status 0. */
async function framed(block, { before = "", after = "", node = process.execPath }) {
  const given = `import * as given from ${JSON.stringify(join(root, "tests/docs/given.mjs"))};`;
  const path = writeModule(block, [given, before, block.code, after].join("\n"));
  await run([node, path], modules, { WALNUT_WEBHOOK_KEY: KEY });
}

/** Checks that a receiver prints genuine events, and rejects forgeries. */
async function checkReceiver({ lines, printed }, send) {
  const answerTo = async (...sent) => {
    const { status, error } = await send(...sent);
    return [status, error?.code];
  };
  deepEqual(await answerTo(DEMO, signed(DEMO)), [200, undefined]);
  deepEqual(await answerTo(DEMO, signed("another body")), [401, "signature_mismatch"]);
  deepEqual(await answerTo(DEMO, {}), [401, "missing_signature"]);
  await printed(/demo_session_finished:/);
  equal(lines.filter((line) => line.includes(ID)).length, 1);
}

/** Waits until a program listens on a port, or the test ends. */
async function listening(t, port) {
  while (!t.signal.aborted) {
    const socket = connect(port, "127.0.0.1");
    const event = await Promise.race(["connect", "error"].map((name) => once(socket, name).then(() => name, () => "error")));
    socket.destroy();
    if (event === "connect") return;
  }
}

/** A whole program that listens on port 3000. */
async function server(t, block) {
  match(block.code, /\b3000\b/);
  const port = await freePort();
  const path = writeModule(block, block.code.replace(/\b3000\b/, port));
  const program = start(t, [process.execPath, path], { cwd: modules, env: { WEBHOOK_KEY: KEY } });
  await Promise.race([listening(t, port), program.printed(/^$^/)]);
  await checkReceiver(program, (...sent) => post(`http://127.0.0.1:${port}/webhook`, ...sent));
}

/** Commands that install a package. tests/loads/ installs both packages from a registry. */
const installs = (_, { code }) => {
  for (const command of commands(code)) match(command, /^npm install (--save-dev )?walnut-webhooks(-cli)?$/);
};

/** Commands of walnut-webhooks-cli, with a receiver on port 3000. */
async function commandLine(t, { code }) {
  const { url } = await startExpress(t);
  const { run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  for (const command of commands(code)) {
    if (command.startsWith("npm install ")) installs(t, { code: command });
    // The receiver has the key of the tests.
    else if (command.startsWith("export WALNUT_WEBHOOK_KEY=")) continue;
    else {
      const { status, printed } = await run(command.replace("http://localhost:3000/webhook", url));
      equal(status, 0, `${command}\n${printed}`);
    }
  }
}

/** A receiver in front of a program on port 3000, which saves what it forwards. */
async function listen(t, { code }) {
  const program = await startExpress(t, { WALNUT_WEBHOOK_KEY: "a-key-for-trying" });
  const { cwd, run, serve } = shell(t);
  const [setKey, command] = commands(code.replace("http://127.0.0.1:3000/webhook", program.url));
  equal((await run(setKey)).status, 0);
  const [url] = await serve(`${command} --port 0`, /http:\/\/127\S+webhook/);
  equal((await post(url, DEMO, signed(DEMO, "a-key-for-trying"))).status, 200);
  await program.printed(/demo_session_finished/);
  deepEqual(readdirSync(join(cwd, "deliveries")).map((name) => name.endsWith("demo_session_finished.http")), [true]);
}

/** Tunnels need the internet, so this only checks that they forward to the port of `listen`. */
function tunnels(_, { code }) {
  const { stdout } = spawnSync(process.execPath, [join(root, "pkg-cli/main.js"), "listen", "--help"], { encoding: "utf8" });
  const [, port] = /the default is (\d+)/.exec(stdout);
  deepEqual(commands(code).map((command) => command.replace(port, "PORT")), ["cloudflared tunnel --url http://127.0.0.1:PORT", "ngrok http PORT"]);
}

/** A sample that is sent to a public URL. */
async function through(t, { code }) {
  const { url } = await startExpress(t);
  const { status, printed } = await shell(t, { WALNUT_WEBHOOK_KEY: KEY }).run(code.replace(/https:\S+/, url));
  equal(status, 0, printed);
}

/** A folder of saved deliveries, and a program on port 3000. */
async function replay(t, { code }) {
  const program = await startExpress(t);
  const { cwd, run } = shell(t);
  const head = `POST /webhook HTTP/1.1\r\ncontent-type: application/json\r\nx-walnut-signature: ${sign(DEMO)}`;
  mkdirSync(join(cwd, "deliveries"));
  writeFileSync(join(cwd, "deliveries/one.http"), Buffer.concat([Buffer.from(`${head}\r\n\r\n`), DEMO]));
  const { status, printed } = await run(code.replace("http://127.0.0.1:3000/webhook", program.url));
  equal(status, 0, printed);
  await program.printed(new RegExp(ID));
}

/** A module that exports `fetch`, in each runtime that serves such modules. */
async function fetches(t, block) {
  const path = writeModule(block, block.code);
  const tool = (path) => join(root, "tests/node_modules", path);
  const runtimes = [
    [tool("@oven/bun-linux-x64/bin/bun"), path],
    [tool("@deno/linux-x64-glibc/deno"), "serve", "--allow-env", "--host", "127.0.0.1", "--port", "0", path],
  ];
  for (const command of runtimes) {
    const program = await serve(t, command, { cwd: modules });
    await checkReceiver(program, (...sent) => post(program.url, ...sent));
  }

  const folder = scratch(t);
  const config = read("examples/fetch/wrangler.toml").replace('"server.mjs"', JSON.stringify(path));
  writeFileSync(join(folder, "wrangler.toml"), config);
  await run([...wrangler, "deploy", "--dry-run", "--outdir", "out"], folder, quiet);
  const worker = await startWorkerd(t, join(folder, "wrangler.toml"), join(folder, "out"));
  await checkReceiver(worker, (...sent) => post(worker.url, ...sent));
}

/** A block that repeats a part of a file. tests/examples/ runs the file. */
function same(_, { words, code }) {
  const path = words.split(" ")[1];
  match(path, /^examples\//);
  ok(read(path).includes(code), `${path} does not contain this block`);
}

/** Runs commands in a shell, with a receiver on port 3000. */
async function runCommands(t, code) {
  const { url } = await startExpress(t);
  const { cwd, run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  const results = [];
  for (const command of commands(code)) results.push(await run(command.replaceAll("http://127.0.0.1:3000/webhook", url)));
  return { cwd, results };
}

const exitWith = (status, pattern) => async (t, { code }) => {
  const { results } = await runCommands(t, code);
  for (const { status: is, printed } of results) equal(is, status, printed);
  match(results.at(-1).printed, pattern);
};

async function harness(t, { code }) {
  const [url] = await shell(t).serve(code.replace("harness", "harness --port 0"), /http:\/\/127\S+/);
  equal((await fetch(url)).status, 200);
}

/** A saved request whose body got a newline. */
async function explained(t, { code }) {
  const { cwd, run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  const [header] = Object.values(signed(DEMO));
  const body = `${DEMO}\n`;
  const head = `POST /webhook HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-walnut-signature: ${header}`;
  writeFileSync(join(cwd, /\S+\.http/.exec(code)[0]), `${head}\r\n\r\n${body}`);
  const { status, printed } = await run(code);
  equal(status, 1, printed);
  match(printed, /body_whitespace/);
}

/** Commands that run parts of the tests. Checks the paths of all of them, and runs the quick one. */
async function part(t, { code }) {
  for (const command of commands(code)) {
    for (const path of command.match(/\S+\/\S+/g) ?? []) {
      const [folder, name] = [path.slice(0, path.lastIndexOf("/")), path.slice(path.lastIndexOf("/") + 1)];
      ok(readdirSync(join(root, folder)).some((file) => file.endsWith(name.replace("*", ""))), path);
    }
    if (!command.includes("--test-name-pattern")) continue;
    const { status, printed } = await shell(t).run(`cd ${root} && ${command}`);
    equal(status, 0, printed);
    match(printed, /pass [1-9]/);
  }
}

function answer(_, { code }) {
  try {
    new Webhook(KEY).verify(DEMO, {});
  } catch (error) {
    return deepEqual(JSON.parse(code), { error: { code: error.code, message: error.message } });
  }
  throw new Error("the request was not rejected");
}

/** A block that guide.test.mjs plays, together with the others of its page. */
function played(_, { page }) {
  ok(["docs/edge/try-locally.md", "docs/edge/deploy.md", "docs/edge/self-host.md", "README.md", "pkg-templates/cli/README.md"].includes(page), `guide.test.mjs does not play ${page}`);
}

/** A part of an object: `"…"` stands for omitted code. */
const isPart = (part, whole) =>
  part === "…" || (typeof part === "object" && part !== null ? Object.keys(part).every((name) => name === "…" || isPart(part[name], whole[name])) : part === whole);

function partOf(whole) {
  return (_, { code }) => {
    const part = JSON.parse(code);
    ok(Object.keys(part).length > 2 && isPart(part, whole), code);
  };
}

const kinds = {
  ...edgeKinds,
  "sh edge": played,
  "sh cloudflare": played,
  "sh self-host": played,
  "ini edge.env": played,
  "sh backup": played,
  "sh restore": played,
  "sh upgrade": played,
  "jsonc environment": played,
  "json event": partOf(JSON.parse(DEMO)),
  "json delivery": partOf(new Webhook(KEY).verify(DEMO, signed(DEMO))),
  "sh harness": harness,
  /** Files of other programs: nothing to run here. */
  "ini systemd": () => {},
  "sh systemd": () => {},
  "nginx proxy": () => {},
  "text caddy": () => {},
  "js server": server,
  "js fetch": fetches,
  "sh install": installs,
  "sh cli": commandLine,
  "js same": same,
  "rust same": same,
  /** src/lib.rs runs the example of this page. */
  rust: (_, { page }) => equal(page, "docs/rust.md", "only the Rust of docs/rust.md is run"),
  "sh part": part,
  "sh queue": queue,
  "sh try": exitWith(0, /forgeries +1 +1 /),
  "sh doctor": exitWith(0, /15 right/),
  "sh explain": explained,
  "sh listen": listen,
  "sh tunnel": tunnels,
  "sh through": through,
  "sh replay": replay,
  "json answer": answer,
  /** A drawing: nothing to run. */
  "text picture": () => {},
};

/** Kinds of TypeScript that are compiled together with the modules of their page. */
const typedKinds = {
  "ts test": typedTest(modules),
  /** The tests of its page import it, and are compiled with it. */
  "ts module": () => {},
};

/** Compiles a block of TypeScript, whatever its kind, and returns the block in JavaScript. */
async function toJavaScript(block) {
  const [kind, path] = block.words.split(" ");
  if (kind !== "same") return { ...block, code: await compile(block, frames[kind]?.declarations) };
  await compileFile(path);
  return block;
}

/** All pages, except the one that `edge init` writes, which only repeats commands that guide.test.mjs plays. */
const ours = pages.filter((page) => !page.startsWith("tests/") && !page.includes("/template/"));

const used = new Set();

for (const page of ours) {
  const { blocks, prose } = parse(read(page));
  for (const { language, words, code, line } of blocks) {
    const block = { page, line, words, code };
    const kind = `${language} ${words.split(" ")[0]}`.trim();
    used.add(kind.replace(/^ts /, "js "));
    test(`${page}:${line}: ${kind}`, patience, async (t) => {
      if (Object.hasOwn(typedKinds, kind)) return typedKinds[kind](t, block);
      const program = language === "ts" ? await toJavaScript(block) : block;
      const runner = kind.replace(/^ts /, "js ");
      if (runner === `js ${words}` && Object.hasOwn(frames, words)) return framed(program, frames[words]);
      ok(Object.hasOwn(kinds, runner), `no runner is set for "${kind}": add one to tests/docs/snippets.test.mjs or frames.mjs`);
      return kinds[runner](t, program);
    });
  }
  test(`${page}: all code is in fences`, () => ok(!/\n\n {4,}[^\s*\d-]/.test(prose)));
}

test("every kind has a block", () => {
  const all = [...Object.keys(kinds), ...Object.keys(frames).map((name) => `js ${name}`)];
  deepEqual(all.filter((kind) => !used.has(kind)), []);
});
