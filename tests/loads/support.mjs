// Installs the packages as users do, from a registry, for the small projects in projects/, and runs them. Each suite has
// a separate copy below target/loads/.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname, join, sep } from "node:path";
import { buildSync } from "esbuild";
import { Miniflare } from "miniflare";
import { open } from "../browser/support.mjs";
import { vectors } from "../runtimes/vectors.mjs";
import { registry } from "./registry.mjs";

export const root = join(import.meta.dirname, "../..");

/** The folder of the tools that only the suites need. */
export const tools = join(root, "tests/node_modules");

/** Copies the projects, installs the SDK for them, and finds their tools in `modules`. Returns the paths. */
export async function install(suite, modules = tools) {
  const folder = join(root, "target/loads", suite);
  const projects = join(folder, "projects");
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(join(import.meta.dirname, "projects"), projects, { recursive: true });
  // The projects find their tools in the parent folder, which contains no other files.
  fs.symlinkSync(modules, join(folder, "node_modules"));
  const { npm, tarballs } = await registry();
  fs.writeFileSync(join(projects, "package.json"), `{ "private": true }\n`);
  await npm("npm", ["install", "walnut-webhooks"], projects);
  for (const [format, file] of [["esm", "suite.mjs"], ["cjs", "suite.cjs"]]) {
    buildSync({
      stdin: {
        contents: `
          import { read, run } from "./conformance.mjs";
          export const verdicts = (exports) => run(exports, read(VECTORS));`,
        resolveDir: join(root, "tests/runtimes"),
      },
      define: { VECTORS: JSON.stringify(vectors) },
      bundle: true,
      format,
      outfile: join(projects, file),
    });
  }
  const installed = join(projects, "node_modules/walnut-webhooks");
  for (const project of fs.readdirSync(projects)) {
    const resolved = createRequire(join(projects, project, "any.js")).resolve("walnut-webhooks");
    assert.ok(fs.realpathSync(resolved).startsWith(installed + sep), `${project} resolves ${resolved} instead of the installed package`);
  }
  return { projects, installed, tarball: tarballs["walnut-webhooks"] };
}

/** The environment of the tools: it switches off telemetry and checks for updates. */
export const offline = {
  ...process.env,
  CI: "1",
  DENO_DIR: join(root, "target/loads/deno"),
  DENO_NO_UPDATE_CHECK: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  // With this variable, a node:test run inside a test reports to the outer one, and prints nothing.
  NODE_TEST_CONTEXT: undefined,
  WRANGLER_SEND_METRICS: "false",
};

/** Runs a program to its end and returns what it printed. */
export function run(program, args, cwd) {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd, env: offline, maxBuffer: 1 << 26 }, (error, stdout) => {
      if (error) reject(new Error(`${program} ${args.join(" ")} in ${cwd}: ${error.message}\n${stdout}`));
      else resolve(stdout);
    });
  });
}

/** Runs a Worker that a tool has built into a folder, and returns its response to a GET. */
export async function workerd(folder, entry, compatibility) {
  const modules = fs.readdirSync(folder, { recursive: true })
    .filter((file) => file !== entry && /\.(mjs|wasm)$/.test(file))
    .map((file) => ({ type: file.endsWith(".wasm") ? "CompiledWasm" : "ESModule", path: join(folder, file) }));
  const worker = new Miniflare({
    ...compatibility,
    modulesRoot: folder,
    modules: [{ type: "ESModule", path: join(folder, entry) }, ...modules],
  });
  try {
    return await (await worker.dispatchFetch("http://worker/")).text();
  } finally {
    await worker.dispose();
  }
}

/** Checks that the JSON from `verdicts` has every verdict, and that each is right. */
export function assertVerdicts(json) {
  const { checks, failures } = JSON.parse(json);
  assert.deepEqual(failures.slice(0, 3), [], `${failures.length} of ${checks} verdicts are wrong`);
  assert.ok(checks > 1000, `only ${checks} checks`);
}

/** A part of the longest text in the package's sources. It is the WebAssembly, in any encoding. */
export function inlined(installed) {
  const runs = fs.readdirSync(installed)
    .filter((name) => extname(name) === ".js")
    .flatMap((name) => fs.readFileSync(join(installed, name), "utf8").match(/[^\n"'`\\]{1000,}/g) ?? []);
  const [longest] = runs.sort((a, b) => b.length - a.length);
  assert.ok(longest?.length > 10_000, "the package has no WebAssembly in its sources");
  return longest.slice(1000, 2000);
}

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript" };

/** Serves a folder to Chromium under a strict policy, and returns what its page prints. */
export async function browse(browser, folder, html) {
  const inline = [...html.matchAll(/<script type="importmap">(.*?)<\/script>/gs)].map(
    ([, text]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`,
  );
  const scripts = ["'self'", "'wasm-unsafe-eval'", ...inline].join(" ");
  const server = createServer((request, response) => {
    const file = join(folder, new URL(request.url, "http://page").pathname);
    response.setHeader("content-security-policy", `default-src 'none'; script-src ${scripts}; connect-src 'self'`);
    if (request.url === "/") return response.setHeader("content-type", types[".html"]).end(html);
    if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
    response.setHeader("content-type", types[extname(file)]);
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  try {
    return await printed(browser, `http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Opens a page, checks that it has no errors, and returns its output. */
export async function printed(browser, url) {
  const { page, wrong } = await open(browser, url);
  const messages = await page.consoleMessages();
  await page.close();
  assert.deepEqual(wrong, []);
  return messages.filter((message) => message.type() === "log").map((message) => message.text()).join("\n");
}
