// Runs edge init as a process. The real wrangler, workerd and git use the files that it writes.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test as plainTest } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { COMPATIBILITY_DATE } from "../../pkg-cli/edge/configuration.js";
import { manifest } from "../../pkg-cli/edge/project.js";
import { unstable_readConfig as readConfiguration } from "../../node_modules/wrangler/wrangler-dist/cli.js";
import { event } from "../worker/support.mjs";
import { endpoint, folder, KEY, main, run, sign, start, startOnTerminal } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const root = join(import.meta.dirname, "../..");
const read = (...path) => readFileSync(join(...path), "utf8");
const ORIGIN = "https://example.com/webhook";
const FILES = [".dev.vars.example", ".gitignore", "README.md", "package.json", "wrangler.jsonc"];
const example = read(root, "pkg-templates/cli/edge/template/dev.vars.example");
/** The name and value in each line that sets a variable, including those in comments. */
const variables = [...example.matchAll(/^(?:# )?([A-Z_\d]+)=(.*)$/gm)].map(([, name, value]) => [name, value]);

/** Writes the project of an edge, and links the packages of this repository into it. */
async function edge(t, { name = "my-edge", origin = ORIGIN } = {}) {
  const cwd = folder(t);
  const { status, err } = await run(["edge", "init", name, "--origin", origin], { cwd });
  equal(status, 0, err);
  const at = join(cwd, name);
  mkdirSync(join(at, "node_modules"));
  symlinkSync(join(root, "pkg-cli"), join(at, "node_modules/walnut-webhooks-cli"));
  for (const installed of ["wrangler", "workerd"]) symlinkSync(join(root, "node_modules", installed), join(at, "node_modules", installed));
  return at;
}

test("edge init writes the files of an edge and prints the next steps", async (t) => {
  const cwd = folder(t);
  const { status, out, err } = await run(["edge", "init", "my edge", "--origin", ORIGIN], { cwd });
  deepEqual([status, err], [0, ""]);
  match(out, /^Wrote .* to my edge\.\n\nNext:\n {2}cd 'my edge'\n {2}npm install\n {2}npx walnut-webhooks edge dev\n/);
  const at = join(cwd, "my edge");
  deepEqual(readdirSync(at).sort(), FILES);
  for (const file of FILES) ok(!read(at, file).includes("{{"), file);
  match(read(at, ".dev.vars.example"), /^ORIGIN_URL=https:\/\/example\.com\/webhook$/m);
  match(read(at, "README.md"), /^# my-edge\n/);
});

test("edge init prints a cd that does not take a folder for an option", async (t) => {
  const { status, out } = await run(["edge", "init", "--origin", ORIGIN, "--", "-dash"], { cwd: folder(t) });
  equal(status, 0);
  match(out, /^ {2}cd \.\/-dash$/m);
});

test("edge init prints JSON for programs", async (t) => {
  const at = folder(t);
  mkdirSync(join(at, ".git"));
  const { status, out } = await run(["edge", "init", ".", "--origin", ORIGIN, "--json"], { cwd: at });
  equal(status, 0);
  const written = JSON.parse(out);
  deepEqual(written.files.sort(), FILES);
  deepEqual(written.dependencies, JSON.parse(read(at, "package.json")).dependencies);
  equal(basename(written.folder), basename(at));
});

test("the configuration is valid for wrangler, and has the settings of worker/wrangler.toml", async (t) => {
  const at = await edge(t, { name: "Café & Söhne" });
  const configuration = readConfiguration({ config: join(at, "wrangler.jsonc") });
  const own = readConfiguration({ config: join(root, "worker/wrangler.toml") });
  for (const field of ["compatibility_date", "durable_objects", "migrations", "triggers", "observability"]) deepEqual(configuration[field], own[field], field);
  equal(configuration.compatibility_date, COMPATIBILITY_DATE);
  equal(configuration.name, "caf-s-hne");
  equal(configuration.main, join(at, "node_modules/walnut-webhooks-cli/worker/index.js"));
  deepEqual(configuration.vars, { ORIGIN_URL: ORIGIN });
});

test("wrangler deploys the folder, and an environment that the README shows, within the size limit", async (t) => {
  const at = await edge(t);
  const [, environment] = /```jsonc\n([^`]+)```/.exec(read(at, "README.md"));
  const configuration = read(at, "wrangler.jsonc");
  writeFileSync(join(at, "wrangler.jsonc"), configuration.replace(/\n}\n$/, () => `,\n${environment}}\n`));
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false", FORCE_COLOR: "0" };
  for (const [name, origin] of [["", "https://example.com/webhook"], ["sales", "https://sales.example.com/webhook"]]) {
    const out = join(at, `out${name}`);
    const wrangler = join(at, "node_modules/wrangler/bin/wrangler.js");
    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, "deploy", "--dry-run", "--outdir", out, "--env", name], { cwd: at, env });
    match(stdout, /env\.INBOX \(Inbox\)\s+Durable Object/);
    ok(stdout.includes(`env.ORIGIN_URL ("${origin}")`), stdout);
    const modules = readdirSync(out).filter((file) => /\.(js|wasm)$/.test(file));
    deepEqual(modules.sort(), ["core_bg.wasm", "index.js"]);
    let bytes = 0;
    for (const file of modules) {
      ok(readFileSync(join(out, file)).equals(readFileSync(join(root, "pkg-cli/worker", file))), file);
      bytes += gzipSync(readFileSync(join(out, file)), { level: 9 }).length;
    }
    ok(bytes <= 231 * 1024, `${bytes} bytes`);
  }
  const { name } = readConfiguration({ config: join(at, "wrangler.jsonc"), env: "sales" });
  equal(name, "my-edge-sales");
});

test("edge start runs with the file of variables, and delivers to a program on this machine", async (t) => {
  const { url, taken } = await endpoint(t);
  const at = await edge(t, { origin: url });
  match(read(at, "wrangler.jsonc"), /"ORIGIN_URL": "http:\/\/127/);
  writeFileSync(join(at, "edge.env"), read(at, ".dev.vars.example"));
  appendFileSync(join(at, "edge.env"), `WALNUT_WEBHOOK_KEY=${KEY}\n`);
  const started = start(["edge", "start", "--variables", "edge.env", "--port", "0"], { cwd: at, env: { WALNUT_WEBHOOK_KEY: undefined } });
  t.after(() => started.child.kill());
  const first = JSON.parse(await started.line());
  deepEqual([first.event, first.health], ["started", 200]);
  const body = event();
  const response = await fetch(`${first.url}/webhook`, { method: "POST", body, headers: { "x-walnut-signature": sign(body) } });
  equal(response.status, 200);
  for (let line = ""; !line.includes('"delivered"'); line = await started.line()) ok(line !== undefined);
  equal(taken[0].body.toString(), body);
  started.child.kill();
  equal((await started.ended).status, 0);
});

test("the edge accepts the value of each line of the example", async (t) => {
  const at = await edge(t);
  // ORIGIN_URL excludes DESTINATIONS. The end of the previous key depends on the date.
  const others = ["ORIGIN_URL", "WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL"];
  const lines = variables.filter(([name, value]) => value !== "" && !others.includes(name)).map(([name, value]) => `${name}=${value}`);
  ok(lines.length > 15);
  writeFileSync(join(at, "edge.env"), lines.join("\n"));
  const started = start(["edge", "start", "--variables", "edge.env", "--port", "0"], { cwd: at, env: { WALNUT_WEBHOOK_KEY: undefined } });
  t.after(() => started.child.kill());
  const first = await started.line();
  equal(first && JSON.parse(first).health, 200, first ?? (await started.ended).err);
  started.child.kill();
  equal((await started.ended).status, 0);
});

test("the example has every variable of the edge once, with an explanation", () => {
  const [, list] = /const VARIABLES: [^=]+ = \[([^\]]+)\];/.exec(read(root, "worker/src/config/names.rs"));
  const known = [...list.matchAll(/"([A-Z_\d]+)"/g)].map(([, name]) => name);
  deepEqual(variables.map(([name]) => name).sort(), known.sort());
  for (const paragraph of example.trimEnd().split(/\n\n+/)) {
    const explained = paragraph.split("\n").filter((line) => !/^(# )?[A-Z_\d]+=/.test(line));
    ok(explained.length > 0 && explained.every((line) => /^#( |$)/.test(line)), paragraph);
    for (const line of paragraph.split("\n")) ok(line.length <= 128, line);
  }
});

test("the example has the defaults and limits of the reference", () => {
  const rows = [...read(root, "docs/edge/configure.md").matchAll(/^\| `([A-Z_]+)` \|([^|]*)\| (.*) \|$/gm)];
  ok(rows.length > 20);
  for (const [, name, defaults, description] of rows) {
    const [, value] = variables.find(([other]) => other === name);
    const paragraph = example.split(/\n\n+/).find((text) => new RegExp(`^(# )?${name}=`, "m").test(text));
    const normal = defaults.replaceAll("`", "").trim();
    if (normal === "0") match(paragraph, /A switch, 0 by default/, name);
    else if (normal !== "" && normal !== "required") equal(value, normal, name);
    const limits = [/^`(\w+)` to `(\w+)`/, /^(\d+) to (\d+)/, /^up to `(\w+)`/].flatMap((range) => range.exec(description)?.slice(1) ?? []);
    for (const limit of limits) match(paragraph, new RegExp(`\\b${limit}\\b`), name);
  }
});

test("writes a URL with a query only into .dev.vars, which git ignores", async (t) => {
  const cwd = folder(t);
  const { status, out, err } = await run(["edge", "init", "edge", "--origin", `${ORIGIN}?token=hidden`], { cwd });
  deepEqual([status, err], [0, ""]);
  match(out, /only \.dev\.vars has it, .*Before `edge deploy`, run npx wrangler secret put ORIGIN_URL\.$/m);
  const at = join(cwd, "edge");
  deepEqual(readdirSync(at).filter((file) => read(at, file).includes("hidden")), [".dev.vars"]);
  equal(read(at, ".dev.vars"), `ORIGIN_URL=${ORIGIN}?token=hidden\n`);
  equal(statSync(join(at, ".dev.vars")).mode & 0o777, 0o600);
  match(read(at, ".dev.vars.example"), /\nORIGIN_URL=https:\/\/example\.com\/webhook\n# .*without its query/);
  match(read(at, "wrangler.jsonc"), /run `npx wrangler secret put ORIGIN_URL`/);
  deepEqual(readConfiguration({ config: join(at, "wrangler.jsonc") }).vars, {});
  execFileSync("git", ["init", "--quiet"], { cwd: at });
  equal(execFileSync("git", ["check-ignore", ".dev.vars"], { cwd: at, encoding: "utf8" }), ".dev.vars\n");

  await run(["edge", "init", "local", "--origin", "http://127.0.0.1:3000/webhook?token=hidden"], { cwd });
  equal(read(cwd, "local/.dev.vars"), "ORIGIN_URL=http://127.0.0.1:3000/webhook?token=hidden\n");
});

test("the README names only the host of the URL", async (t) => {
  const at = await edge(t, { origin: "https://example.com:8443/hooks/hidden" });
  match(read(at, "README.md"), /\bexample\.com:8443\b/);
  equal(read(at, "README.md").includes("hidden"), false);
});

test("git ignores the secrets and the data, and nothing else", async (t) => {
  const at = await edge(t);
  mkdirSync(join(at, "data/inbox"), { recursive: true });
  mkdirSync(join(at, ".wrangler"));
  for (const file of [".dev.vars", ".dev.vars.sales", "edge.env", "data/inbox/x", ".wrangler/x"]) writeFileSync(join(at, file), "x");
  const git = (...args) => execFileSync("git", args, { cwd: at, encoding: "utf8" });
  git("init", "--quiet");
  deepEqual(git("ls-files", "--others", "--exclude-standard").trim().split("\n").sort(), FILES);
});

test("package.json pins the wrangler that this Node can run, and its workerd", async (t) => {
  const own = JSON.parse(read(root, "pkg-cli/package.json"));
  const installed = JSON.parse(read(root, "node_modules/wrangler/package.json"));
  for (const node of ["20.19.0", "20.20.2", "21.7.3", "22.11.0"]) {
    const { dependencies, engines } = manifest(node);
    deepEqual(dependencies, { "walnut-webhooks-cli": own.version, workerd: installed.dependencies.workerd, wrangler: installed.version }, node);
    equal(engines.node, own.engines.node);
  }
  for (const node of ["22.12.0", "22.23.3", "24.21.0", "26.0.0"]) {
    const { dependencies, engines } = manifest(node);
    deepEqual([dependencies.wrangler, dependencies.workerd, engines.node], ["4.164.0", "1.20261117.1", ">=22.12"], node);
  }
  const at = await edge(t);
  deepEqual(JSON.parse(read(at, "package.json")), manifest(process.versions.node));
});

test("edge init refuses a folder that is not empty, and changes nothing", async (t) => {
  const cwd = folder(t);
  mkdirSync(join(cwd, "full"));
  writeFileSync(join(cwd, "full/.hidden"), "x");
  writeFileSync(join(cwd, "file"), "x");
  for (const [name, code, message] of [
    ["full", "not_empty", /the folder full is not empty: give a new or an empty folder/],
    [".", "not_empty", /the folder \. is not empty/],
    ["file", "unreadable", /file can't be read as a folder: a part of the path is a file/],
    ["file/below", "unreadable", /can't be read as a folder/],
    ["/sys/none", "unwritable", /can't be written/],
    ["", "usage", /DIR is missing/],
    ["日本", "usage", /the folder 日本 has no letter a-z and no digit in its name/],
  ]) {
    const { status, out, err } = await run(["edge", "init", name, "--origin", ORIGIN, "--json"], { cwd });
    deepEqual([status, out], [2, ""], name);
    const { error } = JSON.parse(err);
    equal(error.code, code);
    match(error.message, message);
  }
  deepEqual(readdirSync(join(cwd, "full")), [".hidden"]);
  deepEqual(readdirSync(cwd).sort(), ["file", "full"]);
});

test("edge init leaves no file behind if the disk fails", async (t) => {
  const cwd = folder(t);
  // A limit on the size of files, in units of 512 bytes: .dev.vars.example is larger.
  const limited = `trap '' XFSZ; ulimit -f 4; exec "${process.execPath}" "${main}" edge init edge --origin ${ORIGIN}`;
  const failed = await promisify(execFile)("sh", ["-c", limited], { cwd }).catch((error) => error);
  equal(failed.code, 2);
  match(failed.stderr, /^walnut-webhooks: .*edge can't be written: .*\n$/);
  deepEqual(readdirSync(join(cwd, "edge")), []);
});

test("edge init rejects a URL that the edge would reject, and does not repeat it", async (t) => {
  const cwd = folder(t);
  for (const [origin, message] of [
    ["http://secret.example.com/", /must be https, because events contain personal data/],
    ["http://127.0.0.1.example.com/secret", /must be https/],
    ["https://user:secret@example.com/", /must not have a user name or a password/],
    ["https://example.com/#secret", /has a fragment/],
    ["secret.example.com", /must begin with http/],
    [`https://example.com/${"secret".repeat(400)}`, /longer than 2048 bytes/],
  ]) {
    const { status, out, err } = await run(["edge", "init", "edge", "--origin", origin], { cwd });
    deepEqual([status, out], [2, ""], origin);
    match(err, message);
    ok(!err.includes("secret"), err);
  }
  const { status, err } = await run(["edge", "init", "edge"], { cwd });
  equal(status, 2);
  match(err, /the URL of the origin is missing: give --origin URL/);
  deepEqual(readdirSync(cwd), []);
});

test("edge init asks for the URL on a terminal until it is valid", async (t) => {
  const at = join(folder(t), "edge");
  const { until, type, ended } = startOnTerminal(["edge", "init", at]);
  await until("URL that receives the events");
  type("http://example.com/\r");
  await until("must be https");
  type(`${ORIGIN}\r`);
  const { status, shown } = await ended;
  equal(status, 0, shown);
  match(read(at, ".dev.vars.example"), /^ORIGIN_URL=https:\/\/example\.com\/webhook$/m);
});

test("edge init writes nothing if the question is not answered", async (t) => {
  const at = join(folder(t), "edge");
  for (const [typed, expected, message] of [["\x03", 130, ""], ["\x04", 2, "no URL was entered"]]) {
    const { until, type, ended } = startOnTerminal(["edge", "init", at]);
    await until("URL that receives the events");
    type(typed);
    const { status, shown } = await ended;
    equal(status, expected, shown);
    ok(shown.includes(message), shown);
    ok(!existsSync(at));
  }
});
