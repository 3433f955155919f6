// Every runtime, with the package as its loader finds it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { launch } from "../browser/support.mjs";
import { browse, assertVerdicts, install, run, tools, workerd } from "./support.mjs";

let projects;
before(async () => ({ projects } = await install("runtimes")));

const runtimes = [
  ...[20, 22, 24, 26].map((major) => [`Node ${major}`, `node${major}/bin/node`, []]),
  ["Bun", "@oven/bun-linux-x64/bin/bun", ["--no-install"]],
  ["Deno", "@deno/linux-x64-glibc/deno", ["run", "--no-prompt", "--no-remote", "--allow-read=."]],
];

for (const [name, program, options] of runtimes) {
  const runs = (file) => run(join(tools, program), [...options, `script/${file}`], projects);

  for (const [way, file] of [["import", "main.mjs"], ["require", "main.cjs"]]) {
    test(`${name}, ${way}: every vector has its verdict`, async () => assertVerdicts(await runs(file)));
  }
  test(`${name}: every entry loads, and has the same names by import and by require`, async () => {
    const lines = (await runs("entries.mjs")).trim().split("\n");
    assert.ok(lines.includes("walnut-webhooks: MemoryStore,Webhook,WebhookError,isWebhookError"), lines.join());
    assert.ok(lines.includes("walnut-webhooks/express: handler,middleware"), lines.join());
    assert.ok(lines.includes("walnut-webhooks/testing: demoSession,playlistSession,random,sampleDelivery,signedHeaders,signedRequest,testEvent"), lines.join());
  });
  test(`${name}: import and require load two copies, which share error codes but neither classes nor webhooks`, async () => {
    assert.equal(await runs("copies.mjs"), "invalid_key true false\ninvalid_key false true\nTypeError true\n");
  });
}

for (const flags of [[], ["nodejs_compat"]]) {
  test(`workerd, bundled by Wrangler${flags.map((flag) => `, ${flag}`)}: every vector has its verdict`, async () => {
    const out = join(projects, `worker/out-${flags}`);
    const date = "2026-04-01";
    const compatibility = [`--compatibility-date=${date}`, ...flags.map((flag) => `--compatibility-flags=${flag}`)];
    const args = ["deploy", "index.mjs", "--dry-run", `--outdir=${out}`, "--name=loads", ...compatibility];
    const wrangler = join(tools, "../../node_modules/wrangler/bin/wrangler.js");
    await run("node", [wrangler, ...args], join(projects, "worker"));
    assertVerdicts(await workerd(out, "index.js", { compatibilityDate: date, compatibilityFlags: flags }));
  });
}

test("Chromium, without a bundler and under a strict policy: every vector has its verdict", async (t) => {
  const browser = await launch();
  t.after(() => browser.close());
  assertVerdicts(await browse(browser, projects, readFileSync(join(projects, "browser/index.html"), "utf8")));
});
