// Environments in which WebAssembly can't run: the error names the cause and the workaround.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { launch } from "../browser/support.mjs";

const pkg = join(import.meta.dirname, "../../pkg");
const run = promisify(execFile);

/** The code of each program: it returns the message of the error, or "works". */
const attempt = `
  const messageOf = async (work) => {
    try {
      await work();
      return "works";
    } catch (error) {
      return error.message;
    }
  };
  const attempts = async () => {
    return [await messageOf(() => new Webhook("key")), await messageOf(() => explain("key", "{}", "0".repeat(64)))];
  };`;

const programs = {
  "ES modules": `import { Webhook } from "walnut-webhooks";
    import { explain } from "walnut-webhooks/explain";
    ${attempt}
    console.log(JSON.stringify(await attempts()));`,
  CommonJS: `const { Webhook } = require("walnut-webhooks");
    const { explain } = require("walnut-webhooks/explain");
    ${attempt}
    attempts().then((messages) => console.log(JSON.stringify(messages)));`,
};

/** Runs a program in Node in a shell. Returns its messages, which are the same for the core and for explain. */
async function inNode(format, options, limit = "true") {
  const type = format === "CommonJS" ? "commonjs" : "module";
  const args = [process.execPath, ...options, `--input-type=${type}`, "--eval", programs[format]];
  const { stdout } = await run("bash", ["-c", `${limit} && exec "$@"`, "bash", ...args], { cwd: import.meta.dirname });
  const [core, explained] = JSON.parse(stdout);
  assert.equal(explained, core);
  return core;
}

// The memory that a process may reserve, in KiB. V8 reserves 8 GiB and more for each memory, unless its trap handler is
// off.
const limited = "ulimit -v 4000000";

for (const format of Object.keys(programs)) {
  test(`${format} in Node: names the cause and the workaround`, async () => {
    assert.match(await inNode(format, ["--jitless"]), /^walnut-webhooks can't run its WebAssembly: this runtime has no WebAssembly\. Start Node without --jitless\.$/);
    assert.match(await inNode(format, ["--no-enable-sse4-1"]), /: this processor lacks SIMD \(SSE4\.1\)\. Use another machine\.$/);
    assert.match(await inNode(format, [], limited), /: it can't reserve memory\. .* start Node with --disable-wasm-trap-handler\.$/);
  });

  test(`${format} in Node: works with the workaround for too little memory`, async () => {
    assert.equal(await inNode(format, ["--disable-wasm-trap-handler"], limited), "works");
  });
}

/** Bundles the files for Node, whose WebAssembly is compiled from bytes. */
async function bundle(format, end) {
  const contents = `import { Webhook } from "./index.js";
    import { explain } from "./explain.js";
    ${attempt}
    ${end}`;
  const { outputFiles } = await build({ stdin: { contents, resolveDir: pkg }, bundle: true, format, write: false });
  return outputFiles[0].text;
}

const notFromBytes = /^walnut-webhooks can't run its WebAssembly: this runtime does not compile code from bytes\. .*"workerd" or "edge-light"; in a page, allow 'wasm-unsafe-eval' in script-src\.$/;

test("workerd, with a bundle for Node: names the condition", async () => {
  const script = await bundle("esm", "export default { fetch: async () => Response.json(await attempts()) };");
  const worker = new Miniflare({ modules: [{ type: "ESModule", path: "worker.mjs", contents: script }] });
  try {
    const messages = await (await worker.dispatchFetch("http://worker/")).json();
    for (const message of messages) assert.match(message, notFromBytes);
  } finally {
    await worker.dispose();
  }
});

test("Chromium, with a policy that forbids WebAssembly: names the directive", async () => {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const script = await bundle("iife", "globalThis.attempts = attempts;");
    const headers = { "content-type": "text/html", "content-security-policy": "script-src 'self'" };
    const scripts = { "content-type": "text/javascript" };
    await page.route("http://page/**", (route) =>
      route.request().url().endsWith(".js")
        ? route.fulfill({ headers: scripts, body: script })
        : route.fulfill({ headers, body: '<script src="/bundle.js"></script>' }));
    await page.goto("http://page/");
    for (const message of await page.evaluate(() => globalThis.attempts())) assert.match(message, notFromBytes);
  } finally {
    await browser.close();
  }
});
