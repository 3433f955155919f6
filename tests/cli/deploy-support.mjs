// Shared by the tests of `edge deploy`: projects, deployments and secrets.
import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { folder, run } from "./support.mjs";

const root = join(import.meta.dirname, "../..");
/** A test that may wait for wrangler. */
export const test = (name, body) => plainTest(name, { timeout: 300_000 }, body);
export const TOKEN = "0123456789abcdef0123456789abcdef-token";
export const ORIGIN = "https://origin.example.com/walnut-events";

export const INBOX = {
  durable_objects: { bindings: [{ name: "INBOX", class_name: "Inbox" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Inbox"] }],
};
const CONFIGURATION = {
  name: "walnut-webhooks",
  main: "node_modules/walnut-webhooks-cli/worker/index.js",
  compatibility_date: "2026-04-01",
  triggers: { crons: ["*/5 * * * *"] },
  observability: { enabled: true },
  vars: { ORIGIN_URL: ORIGIN },
  ...INBOX,
};

/** Installs wrangler, workerd and the command line in a folder. */
function install(path) {
  mkdirSync(join(path, "node_modules"));
  for (const name of ["wrangler", "workerd"]) symlinkSync(join(root, "node_modules", name), join(path, "node_modules", name));
  symlinkSync(join(root, "pkg-cli"), join(path, "node_modules/walnut-webhooks-cli"));
  return path;
}

/** A folder with a configuration of wrangler. */
export function project(t, configuration = {}) {
  const path = install(folder(t));
  writeFileSync(join(path, "package.json"), "{}");
  writeFileSync(join(path, "wrangler.jsonc"), `// a comment\n${JSON.stringify({ ...CONFIGURATION, ...configuration })}`);
  return path;
}

/** A folder that `edge init` has written. */
export async function initialized(t) {
  const path = join(folder(t), "edge");
  const { status, err } = await run(["edge", "init", path, "--origin", ORIGIN]);
  equal(status, 0, err);
  return install(path);
}

/** Deploys from a folder that has its own login of wrangler. */
export const deploy = (cwd, args = [], env = {}) => run(["edge", "deploy", ...args], { cwd, env: { HOME: cwd, ...env } });

/** A Worker that was deployed before, with secrets. */
export const former = (secrets) => ({ vars: {}, secrets, deployments: 0, migration: "v1" });

/** Sets a secret as a user does, with wrangler. */
export async function putSecret(cwd, env, name, value) {
  const wrangler = join(cwd, "node_modules/wrangler/bin/wrangler.js");
  const child = spawn(process.execPath, [wrangler, "secret", "put", name], { cwd, env: { PATH: process.env.PATH, HOME: cwd, ...env } });
  child.stdin.end(value);
  child.stdout.resume();
  child.stderr.resume();
  const [code] = await once(child, "close");
  equal(code, 0, `wrangler secret put ${name}`);
}
