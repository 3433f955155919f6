// Builds and starts the project of Next with one of its bundlers.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { assertVerdicts, inlined, offline, run, tools } from "./support.mjs";

const next = join(tools, "next/dist/bin/next");

/** Declares the tests of a bundler. `consumer` returns what `install` returned. */
export function nextTests(bundler, flag, consumer) {
  const project = () => join(consumer().projects, "next");

  test(`Next, with ${bundler}: every vector has its verdict, in Node and at the edge`, async (t) => {
    await run("node", [next, "build", flag], project());
    const url = await started(t, project());
    for (const [route, runtime] of [["node", "none"], ["edge", "edge-runtime"]]) {
      const response = await fetch(`${url}/${route}`, { method: "POST" });
      assert.deepEqual([response.headers.get("x-runtime"), response.headers.get("x-sample")], [runtime, "demo_session_finished"]);
      assertVerdicts(await response.text());
    }
  });

  test(`Next, with ${bundler}: the edge imports WebAssembly and does not compile it`, () => {
    const built = join(project(), ".next");
    const { files, wasm } = JSON.parse(readFileSync(join(built, "server/middleware-manifest.json"), "utf8"))
      .functions["/edge/route"];
    const modules = ["core.wasm", "explain.wasm"].map((file) => readFileSync(join(consumer().installed, file), "hex"));
    assert.deepEqual(wasm.map(({ filePath }) => readFileSync(join(built, filePath), "hex")).sort(), modules.sort());
    // Next's local edge runtime compiles WebAssembly from bytes, but its hosts do not. So the test searches for the inlined
    // text: Node's bundle contains it, and the edge's bundle does not.
    const text = inlined(consumer().installed);
    const filesWithText = readdirSync(join(built, "server"), { recursive: true })
      .filter((file) => file.endsWith(".js"))
      .filter((file) => readFileSync(join(built, "server", file), "utf8").includes(text))
      .map((file) => `server/${file}`);
    assert.notDeepEqual(filesWithText, []);
    assert.deepEqual(filesWithText.filter((file) => files.includes(file)), []);
  });
}

/** Starts the build of Next, and ends it with the test. */
async function started(t, cwd) {
  const args = [next, "start", "--hostname=127.0.0.1", "--port=0"];
  const server = spawn("node", args, { cwd, env: offline, stdio: ["ignore", "pipe", "inherit"] });
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
