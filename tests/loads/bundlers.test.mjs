// Runs the output of every bundler, including the start-up code and the WebAssembly.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import { build as esbuild } from "esbuild";
import { rollup } from "rollup";
import { build as vite, createServer } from "vite";
import webpack from "webpack";
import { launch } from "../browser/support.mjs";
import { browse, assertVerdicts, inlined, install, printed, run } from "./support.mjs";

let consumer;
let browser;
before(async () => {
  consumer = await install("bundlers");
  browser = await launch();
});
after(() => browser?.close());

const inNode = (file) => run("node", [basename(file)], dirname(file));
const inChromium = (type) => (file) =>
  browse(browser, dirname(file), `<!doctype html><title>-</title><script ${type} src="${basename(file)}"></script>`);

// A bundler gets an entry and the path of its output. Each warning is a failure.
const withEsbuild = (platform, format) => async (entry, outfile) => {
  const options = { bundle: true, minify: true, platform, format, logLevel: "silent" };
  const { warnings } = await esbuild({ entryPoints: [entry], outfile, ...options });
  assert.deepEqual(warnings, []);
};
const withRollup = (browser, format) => async (input, file) => {
  const bundle = await rollup({ input, plugins: [nodeResolve({ browser })], treeshake: "smallest", onwarn });
  await bundle.write({ file, format });
};
const withWebpack = (target) => async (entry, file) => {
  const output = { path: dirname(file), filename: basename(file) };
  const stats = await promisify(webpack)({ mode: "production", performance: false, target, entry, output });
  const { errors, warnings } = stats.toJson({ all: false, errors: true, warnings: true });
  assert.deepEqual([...errors, ...warnings], []);
};
const withVite = (entry, file) => {
  const rollupOptions = { input: entry, output: { entryFileNames: basename(file) }, onwarn };
  const build = { outDir: dirname(file), emptyOutDir: false, rollupOptions };
  return vite({ configFile: false, logLevel: "warn", root: dirname(entry), build });
};
const onwarn = (warning) => assert.fail(warning.message);

const module = inChromium(`type="module"`);
const script = inChromium("");
const bundlers = [
  ["esbuild, browser, esm", withEsbuild("browser", "esm"), "mjs", module],
  ["esbuild, browser, iife", withEsbuild("browser", "iife"), "js", script],
  ["esbuild, node, esm", withEsbuild("node", "esm"), "mjs", inNode],
  ["esbuild, node, cjs", withEsbuild("node", "cjs"), "cjs", inNode],
  ["Rollup, browser, es", withRollup(true, "es"), "mjs", module],
  ["Rollup, node, es", withRollup(false, "es"), "mjs", inNode],
  ["Rollup, node, cjs", withRollup(false, "cjs"), "cjs", inNode],
  ["webpack, web", withWebpack("web"), "js", script],
  ["webpack, node", withWebpack("node"), "cjs", inNode],
  ["Vite", withVite, "mjs", module],
];

for (const [name, bundle, extension, execute] of bundlers) {
  const bundled = async (entry) => {
    const file = join(consumer.projects, "bundles", name.replaceAll(/\W+/g, "-"), `${basename(entry, ".mjs")}.${extension}`);
    await bundle(join(consumer.projects, "script", entry), file);
    return file;
  };
  const hasWebAssembly = (file) => readFileSync(file, "utf8").includes(inlined(consumer.installed));
  test(`${name}: every vector has its verdict`, async () => {
    const file = await bundled("main.mjs");
    assertVerdicts(await execute(file));
    assert.ok(hasWebAssembly(file), "the bundle does not contain the text that the next test searches");
  });
  test(`${name}: a bundle with only an error has no WebAssembly`, async () => {
    const file = await bundled("error-only.mjs");
    assert.equal((await execute(file)).trim(), "stale");
    assert.ok(!hasWebAssembly(file), "WebAssembly is in the bundle");
  });
}

for (const [name, bundle] of [["esbuild", withEsbuild("node", "cjs")], ["webpack", withWebpack("node")]]) {
  test(`${name}, from require: every vector has its verdict`, async () => {
    const file = join(consumer.projects, "bundles", name, "main.cjs");
    await bundle(join(consumer.projects, "script/main.cjs"), file);
    assertVerdicts(await inNode(file));
  });
}

test("Vite, its development server: every vector has its verdict", async (t) => {
  const root = join(consumer.projects, "script");
  const server = await createServer({ configFile: false, root, server: { host: "127.0.0.1", port: 0 } });
  t.after(() => server.close());
  await server.listen();
  assertVerdicts(await printed(browser, server.resolvedUrls.local[0]));
});
