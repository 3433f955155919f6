// Every block of code on the pages is run. The words behind its three backticks say how: by the table below, or with what
// frames.mjs puts around it.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Webhook } from "walnut-webhooks";
import { DEMO, freePort, KEY, post, run, serve, signed, start } from "../examples/support.mjs";
import { startWorkerd } from "../examples/workerd.mjs";
import { admin, DURABLE, event, KEY as EDGE_KEY, post as postEvent, start as startEdge, TOKEN } from "../worker/support.mjs";
import { frames } from "./frames.mjs";
import { ID } from "./given.mjs";
import { pages, parse, quoted, read, root, rows, section } from "./markdown.mjs";
import { commands, scratch, shell } from "./shell.mjs";
import { typedTest } from "./unit.mjs";

const wrangler = [process.execPath, join(root, "node_modules/wrangler/bin/wrangler.js")];
const quiet = { WRANGLER_SEND_METRICS: "false" };

/** What a snippet doesn't do that it should is waited for so long. */
const patience = { timeout: 600_000 };

/** Where snippets lie, so that they find the package and every framework by its name. */
const modules = join(root, "target/docs-tests/modules");
rmSync(modules, { recursive: true, force: true });
mkdirSync(modules, { recursive: true });
symlinkSync(join(root, "examples/node_modules"), join(modules, "node_modules"));

function module({ page, line }, code) {
  const path = join(modules, `${page.replaceAll("/", "-")}-${line}.mjs`);
  writeFileSync(path, code);
  return path;
}

/** Runs a snippet in its frame, as a process that has to end well. */
async function framed(block, { before = "", after = "", node = process.execPath }) {
  const given = `import * as given from ${JSON.stringify(join(root, "tests/docs/given.mjs"))};`;
  const path = module(block, [given, before, block.code, after].join("\n"));
  await run([node, path], modules, { WALNUT_WEBHOOK_KEY: KEY });
}

/** Asks a receiver for what each has to do: genuine events are printed, and nothing else. */
async function takes({ lines, printed }, send) {
  const asked = async (...sent) => {
    const { status, error } = await send(...sent);
    return [status, error?.code];
  };
  deepEqual(await asked(DEMO, signed(DEMO)), [200, undefined]);
  deepEqual(await asked(DEMO, signed("another body")), [401, "signature_mismatch"]);
  deepEqual(await asked(DEMO, {}), [401, "missing_signature"]);
  await printed(/demo_session_finished:/);
  equal(lines.filter((line) => line.includes(ID)).length, 1);
}

/** Waits until something listens on a port, or the test is over. */
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
  const path = module(block, block.code.replace(/\b3000\b/, port));
  const program = start(t, [process.execPath, path], { cwd: modules, env: { WEBHOOK_KEY: KEY } });
  await Promise.race([listening(t, port), program.printed(/^$^/)]);
  await takes(program, (...sent) => post(`http://127.0.0.1:${port}/webhook`, ...sent));
}

/** Compiles a snippet in TypeScript as strictly as a project can, and returns the JavaScript. */
async function compiled({ page, line, code }) {
  const path = join(modules, `${page.replaceAll("/", "-")}-${line}.mts`);
  writeFileSync(path, code);
  const options = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", "--types", "node"];
  await run([process.execPath, join(root, "node_modules/typescript/bin/tsc"), ...options, path], modules);
  return readFileSync(path.replace(/\.mts$/, ".mjs"), "utf8");
}

/** A whole program in TypeScript that listens on port 3000. */
const typedServer = async (t, block) => server(t, { ...block, code: await compiled(block) });

/** A program in TypeScript that posts to port 3000, and prints the status of the response. */
async function typedClient(t, block) {
  const code = await compiled(block);
  const receiver = await express(t);
  const path = module(block, code.replace("http://localhost:3000/webhook", receiver.url));
  const program = start(t, [process.execPath, path], { cwd: modules });
  await program.printed(/^200$/);
  await receiver.printed(/demo_session_finished/);
}

/** Express's example. */
const express = (t, env = {}) => serve(t, [process.execPath, "server.mjs"], { cwd: join(root, "examples/express"), env });

/** Commands that install a package: tests/loads/ installs both from a registry. */
const installs = (_, { code }) => {
  for (const command of commands(code)) match(command, /^npm install (--save-dev )?walnut-webhooks(-cli)?$/);
};

/** Commands of the command line in a folder of its reader, with a receiver on port 3000. */
async function commandLine(t, { code }) {
  const { url } = await express(t);
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

/** A module that is a server by its `fetch`, in each runtime that takes such. */
async function fetches(t, block) {
  const path = module(block, block.code);
  const tool = (path) => join(root, "tests/node_modules", path);
  const runtimes = [
    [tool("@oven/bun-linux-x64/bin/bun"), path],
    [tool("@deno/linux-x64-glibc/deno"), "serve", "--allow-env", "--host", "127.0.0.1", "--port", "0", path],
  ];
  for (const command of runtimes) {
    const program = await serve(t, command, { cwd: modules });
    await takes(program, (...sent) => post(program.url, ...sent));
  }

  const folder = scratch(t);
  const config = read("examples/fetch/wrangler.toml").replace('"server.mjs"', JSON.stringify(path));
  writeFileSync(join(folder, "wrangler.toml"), config);
  await run([...wrangler, "deploy", "--dry-run", "--outdir", "out"], folder, quiet);
  const worker = await startWorkerd(t, join(folder, "wrangler.toml"), join(folder, "out"));
  await takes(worker, (...sent) => post(worker.url, ...sent));
}

/** What stands in a file to the letter; tests/examples/ runs that. */
function same(_, { words, code }) {
  const path = words.split(" ")[1];
  match(path, /^examples\//);
  ok(read(path).includes(code), `${path} has other words`);
}

/** A receiver that is there, and the shell in which it is spoken to. */
async function walk(t, code) {
  const { url } = await express(t);
  const { cwd, run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  const results = [];
  for (const command of commands(code)) results.push(await run(command.replaceAll("http://127.0.0.1:3000/webhook", url)));
  return { cwd, results };
}

const ends = (status, pattern) => async (t, { code }) => {
  const { results } = await walk(t, code);
  for (const { status: is, printed } of results) equal(is, status, printed);
  match(results.at(-1).printed, pattern);
};

/** The five minutes of the README. */
async function fiveMinutes(t, { code }) {
  const port = await freePort();
  const { cwd, run, serve } = shell(t, { PORT: String(port) });
  const [build, ...rest] = commands(code.replaceAll("3000", port));
  match(build, /^make build\b/); // it is built
  for (const command of rest) {
    if (command.includes("server.mjs &")) {
      await serve(command, /listening on/);
    } else if (/^npx walnut-webhooks harness\b/.test(command)) {
      const [url] = await serve(command.replace("harness", "harness --port 0"), /http:\/\/127\S+/);
      equal((await fetch(url)).status, 200);
    } else {
      const { status, printed } = await run(command);
      equal(status, 0, `${command}\n${printed}`);
      if (/\bsign\b/.test(command)) {
        const body = readFileSync(join(cwd, "event.json"));
        equal(printed.trim(), createHmac("sha256", "a-key-for-trying").update(body).digest("hex"));
      }
    }
  }
}

async function broken(t, { code }) {
  const { run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  equal((await run("npx walnut-webhooks sample > event.json")).status, 0);
  const results = [];
  for (const command of commands(code)) results.push(await run(command));
  deepEqual(results.map(({ status }) => status), [0, 0, 1]);
  match(results[2].printed, /body_whitespace/);
}

async function explained(t, { code }) {
  const { cwd, run } = shell(t, { WALNUT_WEBHOOK_KEY: KEY });
  const [header] = Object.values(signed(DEMO));
  const body = `${DEMO}\n`;
  const head = `POST /webhook HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nx-walnut-signature: ${header}`;
  writeFileSync(join(cwd, "request.http"), `${head}\r\n\r\n${body}`);
  const { status, printed } = await run(code);
  equal(status, 1, printed);
  match(printed, /body_whitespace/);
}

/** An edge with a delivery in it, and a shell that knows where it is. */
async function edged(t, answer, bindings) {
  const edge = await startEdge(t, (origin) => {
    origin.answer = answer;
    return {
      ...DURABLE,
      ADMIN_TOKEN: TOKEN,
      ORIGIN_URL: undefined,
      DESTINATIONS: JSON.stringify([{ name: "crm", url: origin.url }]),
      ...bindings,
    };
  });
  const body = event();
  equal((await postEvent(edge.url, body)).status, 200);
  return { ...edge, body, ...shell(t, { ADMIN_TOKEN: TOKEN, EDGE_URL: edge.edge.url }) };
}

async function dead(t, { code }) {
  const { edge, origin, body, run } = await edged(t, (_, response) => response.writeHead(400).end(), { MAX_ATTEMPTS: "1" });
  const { until, ids } = admin(edge);
  await until((await ids())[0], "dead");
  origin.answer = (_, response) => response.end();
  const hour = 3_600_000;
  const time = (at) => new Date(Date.now() + at).toISOString();
  const [listed, redelivered] = commands(
    code.replace("2027-01-31T00:00:00Z", time(-hour)).replace("2027-02-01T00:00:00Z", time(hour)),
  );
  match((await run(listed)).printed, /"state":"dead"/);
  match((await run(redelivered)).printed, /"redelivered":1/);
  equal((await origin.took(2)).body.toString(), body);
}

async function laptop(t, { code }) {
  const { body, cwd, run, serve: serveInShell } = await edged(t, (_, response) => response.end());
  const receiver = await express(t, { WALNUT_WEBHOOK_KEY: EDGE_KEY });
  const [listen, replay] = commands(code.replaceAll("http://127.0.0.1:3000/webhook", receiver.url));
  await serveInShell(listen, /demo_session_finished/);
  ok(readdirSync(join(cwd, "deliveries")).length > 0, "what is shown is saved");
  equal((await run(replay)).status, 0);
  await receiver.printed(new RegExp(JSON.parse(body).data.session_id));
}

/** The variables and secrets of the edge. */
const variables = rows(section(read("README.md"), "## The edge")).flatMap(([cell]) => quoted(cell));

/** Lines that deploy, or build: as much of each as needs no account, and is not what has been done already. */
async function parsed(t, { page, code }) {
  let edge;
  for (const command of commands(code.replaceAll(/\s+#.*$/gm, ""))) {
    const [program, ...args] = command.split(" ");
    if (program === "make") continue; // house.test.mjs knows its targets
    if (program === "cd") {
      ok(existsSync(join(root, args[0])), command);
    } else if (program === "curl") {
      edge ??= await startEdge(t);
      const { status, printed } = await shell(t).run(command.replace(/https:\/\/[^/]+/, edge.edge.url));
      equal(status, 0, printed);
      match(printed, /"ok":\s*true/);
    } else {
      const [, verb, ...words] = /^npx wrangler (deploy|secret put)(.*)$/.exec(command) ?? [];
      if (verb === "secret put") ok(variables.includes(words[0].trim().split(" ")[0]), command);
      else if (verb === "deploy") match(await deployed(t, page, words[0].trim().split(" ").filter(Boolean)), /Durable Object/);
      else throw new Error(`nobody runs ${command}`);
    }
  }
}

/** Has wrangler do all but to upload: the edge as it is, with what a page adds to its configuration. */
async function deployed(t, page, args) {
  const folder = scratch(t);
  const added = parse(read(page)).blocks.filter(({ words }) => words === "wrangler.toml").map(({ code }) => code);
  const config = read("worker/wrangler.toml").replace(/\[build\]\ncommand = .*\n/, "");
  writeFileSync(join(folder, "wrangler.toml"), [config, ...added].join("\n"));
  cpSync(join(root, "worker/build"), join(folder, "build"), { recursive: true });
  const { run } = shell(t, quiet);
  const { status, printed } = await run(`${wrangler.join(" ")} deploy --dry-run --config ${folder}/wrangler.toml ${args.join(" ")}`);
  equal(status, 0, printed);
  return printed;
}

/** What takes long is looked at, and what is quick is run. */
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

async function destinations(t, { code }) {
  const { edge } = await startEdge(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS: code });
  equal((await fetch(`${edge.url}/healthz`)).status, 200);
}

function answer(_, { code }) {
  try {
    new Webhook(KEY).verify(DEMO, {});
  } catch (error) {
    return deepEqual(JSON.parse(code), { error: { code: error.code, message: error.message } });
  }
  throw new Error("nothing was refused");
}

/** The figures that docs/scale.md has by its formulas. */
function formula(_, { page, code }) {
  const all = rows(read(page)).map((cells) => cells.map((cell) => cell.replaceAll(",", "")));
  if (code.startsWith("deliveries a second")) {
    const shards = all.filter(([first, second]) => /^\d+$/.test(first) && second.endsWith("/s"));
    ok(shards.length > 0);
    for (const [count, ...rates] of shards) {
      deepEqual(rates, [0.02, 0.05, 0.1, 0.5].map((seconds) => `${Math.round((count * 2) / seconds)}/s`));
    }
  } else {
    match(code, /^GB a shard = events a day ÷ SHARDS × 1.6 KB × the longer of RETENTION_DAYS and MAX_EVENT_AGE$/);
    const sized = all.filter(([first, , third]) => /^up to \d+$/.test(first) && / GB a shard/.test(third));
    ok(sized.length > 0);
    for (const [events, shards, turned] of sized) {
      const days = Math.max(/RETENTION_DAYS=([\d.]+)/.exec(turned)[1], (/MAX_EVENT_AGE=(\d+)h/.exec(turned)?.[1] ?? 72) / 24);
      const gigabytes = (events.slice("up to ".length) * 86_400 * days * 1.6) / shards / 1e6;
      equal(Math.round(gigabytes), Number(/(\d+) GB a shard/.exec(turned)[1]));
    }
  }
}

/** The edge takes the variables: what it refuses then is the request, and not its configuration. */
async function localEdge(t, { code }) {
  const bindings = Object.fromEntries(code.trim().split("\n").map((line) => /^(\w+)=(.*)$/.exec(line).slice(1)));
  const { url } = await startEdge(t, { ...DURABLE, ORIGIN_URL: undefined, ...bindings });
  equal((await fetch(url, { method: "POST" })).status, 401);
}

const kinds = {
  "js server": server,
  "js fetch": fetches,
  "ts server": typedServer,
  "ts client": typedClient,
  "ts test": typedTest(modules),
  /** The tests of its page import it. */
  "ts module": () => {},
  "sh install": installs,
  "sh cli": commandLine,
  "js same": same,
  "ts same": same,
  "rust same": same,
  /** src/lib.rs has the README's run with the crate's own examples. */
  rust: (_, { page }) => equal(page, "README.md", "only the README's Rust is run"),
  sh: parsed,
  "sh make": parsed,
  "sh part": part,
  "sh walk": fiveMinutes,
  "sh broken": broken,
  "sh try": ends(0, /forgeries +1 +1 /),
  "sh doctor": ends(0, /15 right/),
  "sh explain": explained,
  "sh dead": dead,
  "sh laptop": laptop,
  "toml wrangler.toml": async (t, { page }) => match(await deployed(t, page, []), /Durable Object/),
  "ini .dev.vars": localEdge,
  "json DESTINATIONS": destinations,
  "json answer": answer,
  "text formula": formula,
  /** A drawing: nothing to run. */
  "text picture": () => {},
};

for (const page of pages.filter((page) => !page.startsWith("tests/"))) {
  const { blocks, prose } = parse(read(page));
  for (const { language, words, code, line } of blocks) {
    const block = { page, line, words, code };
    const kind = `${language} ${words.split(" ")[0]}`.trim();
    test(`${page}:${line}: ${kind}`, patience, (t) => {
      if (language === "js" && Object.hasOwn(frames, words)) return framed(block, frames[words]);
      ok(Object.hasOwn(kinds, kind), `nobody runs "${kind}": say how in tests/docs/snippets.test.mjs or frames.mjs`);
      return kinds[kind](t, block);
    });
  }
  test(`${page}: all code is in fences`, () => ok(!/\n\n {4,}[^\s*\d-]/.test(prose)));
}
