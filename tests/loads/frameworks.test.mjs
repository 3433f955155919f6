// Frameworks with special ways to bundle or load code.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { nodeFileTrace } from "@vercel/nft";
import { build } from "esbuild";
import { nextTests } from "./next.mjs";
import { assertVerdicts, install, run, tools, workerd } from "./support.mjs";

let consumer;
before(async () => (consumer = await install("frameworks")));
const project = (name) => join(consumer.projects, name);

test("Jest, without transforms or flags: every vector has its verdict", () =>
  run("node", [join(tools, "jest/bin/jest.js"), "--ci"], project("jest")));

test("Jest, in Vercel's edge runtime: every vector has its verdict", () =>
  run("node", [join(tools, "jest/bin/jest.js"), "--ci", "--env=@edge-runtime/jest-environment"], project("jest")));

test("Vitest: every vector has its verdict", () =>
  run("node", [join(tools, "vitest/vitest.mjs"), "run"], project("vitest")));

test("Nitro 2, for Cloudflare Workers: every vector has its verdict", async () => {
  await run("node", [join(tools, "nitropack/dist/cli/index.mjs"), "build"], project("nitro"));
  const { compatibilityDate } = (await import(join(project("nitro"), "nitro.config.mjs"))).default;
  assertVerdicts(await workerd(join(project("nitro"), ".output/server"), "index.mjs", { compatibilityDate }));
});

test("tools that copy the files of a program also copy the WebAssembly", async () => {
  const { fileList } = await nodeFileTrace([join(project("script"), "main.cjs")], { base: consumer.projects });
  assert.ok(fileList.has("node_modules/walnut-webhooks/core.wasm"), [...fileList].join());
});

test("a bundle without the file of the WebAssembly throws an error that names the file and the workarounds", async () => {
  const outfile = join(project("script"), "bundle/out.cjs");
  // With custom conditions, esbuild drops "module".
  await build({ stdin: { contents: `new (require("walnut-webhooks").Webhook)("key")`, resolveDir: project("script") }, bundle: true,
    platform: "node", conditions: ["production"], outfile });
  await assert.rejects(run("node", [outfile], project("script")), (error) => {
    assert.ok(error.message.includes(`can't read its WebAssembly from ${join(project("script"), "core.wasm")}. Deploy this file`), error.message);
    return true;
  });
});

// make compat also builds this project with webpack.
nextTests("Turbopack", "--turbopack", () => consumer);
