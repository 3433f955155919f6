// Both packages, installed from a registry into an empty folder as the README says.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { registry } from "./registry.mjs";
import { offline, root, run, tools } from "./support.mjs";

let folder;
let npm;
before(async () => {
  ({ npm } = await registry());
  folder = mkdtempSync(join(tmpdir(), "packages-"));
  await npm("npm", ["install", "walnut-webhooks", "walnut-webhooks-cli"], folder);
});
after(() => rmSync(folder, { recursive: true }));

const installed = (path) => join(folder, "node_modules", path);
const manifest = (name) => JSON.parse(readFileSync(installed(`${name}/package.json`), "utf8"));
const npx = (...args) => npm("npx", ["--no", "--", "walnut-webhooks", ...args], folder);

test("npm installs the two packages and nothing else, in the same version", () => {
  deepEqual(readdirSync(installed("")).filter((name) => !name.startsWith(".")), ["walnut-webhooks", "walnut-webhooks-cli"]);
  const [sdk, cli] = [manifest("walnut-webhooks"), manifest("walnut-webhooks-cli")];
  equal(sdk.version, /^version = "(.+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1]);
  equal(cli.version, sdk.version);
  deepEqual(cli.dependencies, { "walnut-webhooks": sdk.version });
  deepEqual([sdk.dependencies, sdk.bin], [undefined, undefined]);
  for (const { scripts } of [sdk, cli]) equal(scripts, undefined);
});

test("npx signs a sample, which verifies", async () => {
  const body = await npx("sample", "--seed", "7");
  const key = ["--key", "key"];
  const signature = (await npx("sign", "--data", body, ...key)).trim();
  const { ok, delivery } = JSON.parse(await npx("verify", "--signature", signature, "--data", body, "--json", ...key));
  deepEqual([ok, delivery.type, delivery.drift], [true, "demo_session_finished", []]);
});

test("npx serves the harness page", async (t) => {
  const child = spawn(installed(".bin/walnut-webhooks"), ["harness", "--port", "0", "--json"], { cwd: folder, env: offline });
  t.after(async () => {
    if (child.exitCode === null && child.kill()) await once(child, "exit");
  });
  const [line] = await once(createInterface(child.stdout), "line");
  const { url } = JSON.parse(line);
  const page = await fetch(url);
  equal(page.status, 200);
  match(await page.text(), /<title>/);
  ok((await (await fetch(new URL("/app.js", url))).text()).length > 10_000, "the page has its code");
});

test("the command is a standalone program", async () => {
  match(await run(installed(".bin/walnut-webhooks"), ["--help"], folder), /explain/);
});

for (const major of [20, 22, 24, 26]) {
  test(`Node ${major} runs the command line`, async () => {
    const version = await run(join(tools, `node${major}/bin/node`), [installed(".bin/walnut-webhooks"), "--version"], folder);
    equal(version.trim(), manifest("walnut-webhooks-cli").version);
  });
}
