// Plays the pages that lead from npm to a running edge, in their order and by their own commands. Both packages come from a
// registry, the folder is outside of the repository, and there is no Rust. wrangler and workerd are linked from this
// repository. edge-init.test.mjs compares their pinned versions.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { registry } from "../loads/registry.mjs";
import { admin, event, post, sign, startOrigin, TOKEN } from "../worker/support.mjs";
import { parse, quoted, read, root } from "./markdown.mjs";
import { commands, shell } from "./shell.mjs";

const KEY = "the key of the guide";
const ORIGIN = "https://example.com/webhook";
/** These tests run npm install, and start up to three edges. */
const patience = { timeout: 600_000 };

/** The blocks of a page, by their kind. */
const blocks = (page, kind) => parse(read(page)).blocks.filter(({ language, words }) => `${language} ${words}` === kind).map(({ code }) => code);

const outside = (t) => {
  const folder = mkdtempSync(join(tmpdir(), "guide-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** A shell in a folder outside of the repository. It has npm's registry, and no cargo on its PATH. */
async function newcomer(t, folder, more = {}) {
  const { env } = await registry();
  const npm = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith("npm_config_")));
  const PATH = [dirname(process.execPath), "/usr/bin", "/bin"].join(":");
  const user = shell(t, { ...npm, PATH, HOME: folder, WRANGLER_SEND_METRICS: "false", ...more }, folder);
  equal((await user.run("command -v cargo rustc")).printed.trim(), "");
  return user;
}

/** Plays the commands that create a project, with another origin. */
async function create(user, folder, code, origin) {
  const [init, enter, install, ...rest] = commands(code);
  match(init, /^npx walnut-webhooks-cli edge init my-edge --origin https:/);
  await passes(user, init.replace(ORIGIN, origin));
  await passes(user, enter);
  equal(install, "npm install");
  leaveOutRuntimes(join(folder, "my-edge"));
  await passes(user, install);
  linkRuntimes(join(folder, "my-edge"));
  for (const command of rest) await passes(user, command);
}

/** Removes wrangler and workerd from the dependencies, because the registry does not have them. */
function leaveOutRuntimes(project) {
  const path = join(project, "package.json");
  const manifest = JSON.parse(readFileSync(path));
  const { wrangler, workerd, ...ours } = manifest.dependencies;
  for (const version of [wrangler, workerd]) match(version, /^\d+\.\d+\.\d+$/);
  deepEqual(Object.keys(ours), ["walnut-webhooks-cli"]);
  writeFileSync(path, JSON.stringify({ ...manifest, dependencies: ours }));
}

/** Links wrangler and workerd into a project. This is needed again after npm has removed the links. */
function linkRuntimes(project) {
  for (const name of ["wrangler", "workerd", ".bin/wrangler"]) {
    const link = join(project, "node_modules", name);
    rmSync(link, { force: true });
    symlinkSync(join(root, "node_modules", name), link);
  }
}

async function passes({ run }, command) {
  const { status, printed } = await run(command);
  equal(status, 0, `${command}\n${printed}`);
  return printed;
}

const posted = (url, body) => post(url, body, { "x-walnut-signature": sign(body, KEY) });

test("try locally: an event is delivered through edge dev", patience, async (t) => {
  const folder = outside(t);
  const user = await newcomer(t, folder);
  const [project, dev] = blocks("docs/edge/try-locally.md", "sh edge");
  for (const page of ["README.md", "pkg-templates/cli/README.md"]) {
    deepEqual(commands(blocks(page, "sh edge")[0]), [...commands(project), ...commands(dev)]);
  }
  await create(user, folder, project, ORIGIN);
  const [shown] = await user.serve(`${dev} --port 0`, /WALNUT_WEBHOOK_KEY=\S+ \\\n +npx walnut-webhooks send \S+\/webhook\n/);
  const other = await newcomer(t, folder);
  await passes(other, "cd my-edge");
  const [, id] = await Promise.all([passes(other, commands(shown).join("\n")), user.until(/demo_session_finished:[\w-]+[^]*?200/)]);
  ok(id);
});

test("deploy: wrangler accepts the project, and its environments", patience, async (t) => {
  const folder = outside(t);
  const user = await newcomer(t, folder);
  await create(user, folder, blocks("docs/edge/try-locally.md", "sh edge")[0], ORIGIN);
  const config = join(folder, "my-edge/wrangler.jsonc");
  const [environment] = blocks("docs/edge/deploy.md", "jsonc environment");
  writeFileSync(config, readFileSync(config, "utf8").replace(/,?\s*\}\s*$/, `,\n${environment}\n}\n`));
  const variables = readFileSync(join(folder, "my-edge/.dev.vars.example"), "utf8");
  for (const command of blocks("docs/edge/deploy.md", "sh cloudflare").flatMap(commands)) {
    const plain = command.replace(/ +#.*/, "");
    const [, secret] = /^npx wrangler secret put (\w+)(?: --env sales)?$/.exec(plain) ?? [];
    if (secret !== undefined) match(variables, new RegExp(`^#? ?${secret}=`, "m"));
    else if (plain.startsWith("npx walnut-webhooks edge deploy")) match(await passes(user, `${plain} --dry-run`), /env\.INBOX \(Inbox\)\s+Durable Object/);
    else if (plain.startsWith("openssl")) match(await passes(user, plain), /^[\da-f]{64}$/m);
    else ok(["npx wrangler login", "npm install walnut-webhooks-cli@latest"].includes(plain), plain);
  }
  match(await passes(user, "npx wrangler deploy --dry-run"), /Durable Object/);
});

test("the README that edge init writes has only commands and settings of the guide", () => {
  const page = "pkg-templates/cli/edge/template/README.md";
  const kinds = ["sh edge", "sh cloudflare", "sh self-host"];
  const guide = ["try-locally", "deploy", "self-host"].flatMap((name) => kinds.flatMap((kind) => blocks(`docs/edge/${name}.md`, kind))).flatMap(commands);
  // Readers also copy commands from sentences.
  const sentences = quoted(parse(read(page)).prose).filter((code) => /^(npx|npm) /.test(code));
  for (const command of [...blocks(page, "sh ").flatMap(commands), ...sentences]) ok(guide.includes(command), command);
  deepEqual(blocks(page, "jsonc "), blocks("docs/edge/deploy.md", "jsonc environment"));
});

test("self-host: set-up in Walnut's order, a kill, a backup, an upgrade and a restore", patience, async (t) => {
  const folder = outside(t);
  const origin = await startOrigin();
  t.after(origin.stop);
  const user = await newcomer(t, folder);
  const page = "docs/edge/self-host.md";
  const [installation, start, health] = blocks(page, "sh self-host");
  await create(user, folder, installation, ORIGIN);
  const project = join(folder, "my-edge");
  const [example] = blocks(page, "ini edge.env");
  const file = join(project, "edge.env");
  const settings = example.replace(/^ADMIN_TOKEN=.*/m, `ADMIN_TOKEN=${TOKEN}`).replace(ORIGIN, origin.url);
  const write = (text) => writeFileSync(file, `${text}\nALLOW_LOOPBACK=1\nMAX_EVENT_AGE=0\n`);
  write(settings);

  /** Starts the edge, and returns its URL and how to end it. */
  const run = async (command = start) => {
    const host = await newcomer(t, project);
    const [, url] = await host.serve(`${command} --port 0`, /"event":"started","url":"([^"]+)"/);
    /** Stops the edge as the system does, or kills workerd. */
    const end = async (signal) => {
      await passes(host, signal === "SIGTERM" ? "kill $!" : "kill -KILL $(cat data/workerd.pid)");
      await host.until(/"event":"stopped"/);
    };
    return { edge: { url }, url: `${url}/webhook`, end };
  };

  const setUp = await run();
  match(await passes(user, health.replace("https://hooks.example.com", setUp.edge.url)), /"status":"setup"/);
  const early = event();
  equal((await fetch(setUp.url, { method: "POST", body: event() })).status, 200);
  equal((await posted(setUp.url, early)).status, 200);
  await setUp.end("SIGTERM");

  write(settings.replace("SETUP=1", `WALNUT_WEBHOOK_KEY=${KEY}`));
  const first = await run();
  equal((await origin.took(1)).body.toString(), early);
  const second = event();
  equal((await posted(first.url, second)).status, 200);
  await first.end("SIGKILL");

  const [unit] = blocks(page, "ini systemd");
  const [, service] = /^ExecStart=\/usr\/bin\/(node .+)$/m.exec(unit);
  const killed = await run(service.replace("/var/lib/walnut-webhooks", "data"));
  await origin.took(2);
  const ids = await admin(killed.edge).ids();
  for (const id of ids) await admin(killed.edge).until(id, "delivered");
  equal(ids.length, 2);
  await killed.end("SIGTERM");

  for (const kind of ["sh backup", "sh upgrade"]) {
    for (const command of commands(blocks(page, kind)[0])) await passes(user, command);
  }
  linkRuntimes(project);
  const restore = commands(blocks(page, "sh restore")[0]);
  for (const command of restore.slice(0, -1)) await passes(user, command);
  equal(restore.at(-1), start.trim());
  const restored = await run();
  deepEqual(await admin(restored.edge).ids(), ids);
  await restored.end("SIGTERM");
  equal(await passes(user, "git init --quiet && git status --short --untracked-files=all | grep -E 'data|backup|env$' || true"), "");
});
