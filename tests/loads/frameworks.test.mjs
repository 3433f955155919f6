// The frameworks that bundle or load code in ways of their own.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { nodeFileTrace } from "@vercel/nft";
import { genuine, inlined, install, offline, run, tools, workerd } from "./support.mjs";

let consumer;
before(async () => (consumer = await install("frameworks")));
const project = (name) => join(consumer.projects, name);

test("Jest, without transforms or flags: every vector has its verdict", () =>
  run("node", [join(tools, "jest/bin/jest.js"), "--ci"], project("jest")));

test("Vitest: every vector has its verdict", () =>
  run("node", [join(tools, "vitest/vitest.mjs"), "run"], project("vitest")));

test("Nitro 2, for Cloudflare Workers: every vector has its verdict", async () => {
  await run("node", [join(tools, "nitropack/dist/cli/index.mjs"), "build"], project("nitro"));
  const { compatibilityDate } = (await import(join(project("nitro"), "nitro.config.mjs"))).default;
  genuine(await workerd(join(project("nitro"), ".output/server"), "index.mjs", { compatibilityDate }));
});

test("tools that copy the files a program requires copy the WebAssembly as well", async () => {
  const { fileList } = await nodeFileTrace([join(project("script"), "main.cjs")], { base: consumer.projects });
  assert.ok(fileList.has("node_modules/walnut-webhooks/core.wasm"), [...fileList].join());
});

const next = join(tools, "next/dist/bin/next");

for (const [name, flag] of [["Turbopack", "--turbopack"], ["webpack", "--webpack"]]) {
  test(`Next, by ${name}: every vector has its verdict, in Node and at the edge`, async (t) => {
    await run("node", [next, "build", flag], project("next"));
    const url = await started(t);
    for (const [route, runtime] of [["node", "none"], ["edge", "edge-runtime"]]) {
      const answer = await fetch(`${url}/${route}`, { method: "POST" });
      assert.equal(answer.headers.get("x-runtime"), runtime);
      genuine(await answer.text());
    }
  });

  test(`Next, by ${name}: the edge imports WebAssembly and compiles none`, () => {
    const built = join(project("next"), ".next");
    const { files, wasm } = JSON.parse(readFileSync(join(built, "server/middleware-manifest.json"), "utf8"))
      .functions["/edge/route"];
    const modules = ["core.wasm", "explain.wasm"].map((file) => readFileSync(join(consumer.installed, file), "hex"));
    assert.deepEqual(wasm.map(({ filePath }) => readFileSync(join(built, filePath), "hex")).sort(), modules.sort());
    // Next runs here what its host refuses, so it is looked for: Node's own bundle has it, and the edge's not.
    const having = readdirSync(join(built, "server"), { recursive: true })
      .filter((file) => file.endsWith(".js"))
      .filter((file) => readFileSync(join(built, "server", file), "utf8").includes(inlined(consumer.installed)))
      .map((file) => `server/${file}`);
    assert.notDeepEqual(having, []);
    assert.deepEqual(having.filter((file) => files.includes(file)), []);
  });
}

/** Starts what Next has built; it ends with the test. */
async function started(t) {
  const args = [next, "start", "--hostname=127.0.0.1", "--port=0"];
  const server = spawn("node", args, { cwd: project("next"), env: offline, stdio: ["ignore", "pipe", "inherit"] });
  t.after(async () => {
    if (server.exitCode === null && server.kill()) await once(server, "exit");
  });
  let url;
  for await (const line of createInterface(server.stdout)) {
    url ??= /Local:\s+(http\S+)/.exec(line)?.[1];
    if (line.includes("Ready in")) return url;
  }
  throw new Error(`next start ended, with ${server.exitCode}, before it was ready`);
}
