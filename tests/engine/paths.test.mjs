// Every way to hash gives the same verdict in every runtime: the host's hash, WebAssembly alone, and both sides of
// the length at which the package switches.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { run, tools } from "../loads/support.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const root = join(import.meta.dirname, "../..");
const out = join(root, "target/engine");

/** The package's modules, each in its own file, because the package does not export `native`. */
const modules = join(root, "target/pkg-trap");

/** Bundles the program for a runtime. */
async function bundle(outfile, variant, offered, print) {
  await build({
    stdin: {
      contents: `
        import { wrapHost, paths } from "./paths.mjs";
        import { read } from "../runtimes/conformance.mjs";
        wrapHost(${JSON.stringify(offered)});
        const { Webhook } = await import("${modules}/index${variant}.js");
        const { explain } = await import("${modules}/explain${variant}.js");
        const { native } = await import("${modules}/native.js");
        const report = () => JSON.stringify(paths({ Webhook, explain, native, cases: read(VECTORS) }));
        ${print}`,
      resolveDir: import.meta.dirname,
    },
    define: { VECTORS: JSON.stringify(vectors) },
    bundle: true,
    format: "esm",
    external: ["*.wasm?module"],
    outfile,
  });
}

/** Checks that every path gave every verdict, and that the host was called exactly when it should be. */
function assertPaths(json, offered) {
  const results = JSON.parse(json);
  assert.equal(results[0].from, offered.length > 0 ? "0" : "Infinity");
  assert.equal(results.at(-1).from, "Infinity");
  for (const { from, checks, failures, calls, edges } of results) {
    const where = `from ${from} bytes on, with ${JSON.stringify(calls)}`;
    assert.deepEqual(failures.slice(0, 3), [], `${failures.length} of ${checks} verdicts are wrong ${where}`);
    assert.ok(checks > 1000, `only ${checks} checks ${where}`);
    for (const name of ["hash", "createHash"]) {
      if (!offered.includes(name) || from === "Infinity") assert.equal(calls[name], 0, `${name}, ${where}`);
      else if (from === "0") assert.ok(calls[name] > 0, `${name}, ${where}`);
    }
    for (const { length, keyIndex, calls } of edges) {
      assert.equal(keyIndex, 0);
      assert.equal(calls.hash + calls.createHash, length < from ? 0 : 1, `${length} bytes, ${where}`);
    }
  }
}

before(() => mkdirSync(out, { recursive: true }));

const runtimes = [
  ...[20, 22, 24, 26].map((major) => [`Node ${major}`, `node${major}/bin/node`, []]),
  ["Bun", "@oven/bun-linux-x64/bin/bun", ["--no-install"]],
  ["Deno", "@deno/linux-x64-glibc/deno", ["run", "--no-prompt", "--no-remote"]],
];
const all = ["hash", "createHash"];

for (const [name, program, options] of runtimes) {
  for (const [variant, offered] of [["", all], [", without crypto.hash", ["createHash"]]]) {
    test(`${name}${variant}: every vector has its verdict on every path`, async () => {
      const file = join(out, `${name}${variant}.mjs`);
      await bundle(file, "", offered, "console.log(report());");
      assertPaths(await run(join(tools, program), [...options, file], out), offered);
    });
  }
}

for (const [variant, flags, offered] of [
  ["", [], []],
  [", nodejs_compat", ["nodejs_compat"], all],
  [", nodejs_compat, without crypto.hash", ["nodejs_compat"], ["createHash"]],
]) {
  test(`workerd${variant}: every vector has its verdict on every path`, async (t) => {
    const path = join(out, `workerd${variant}.mjs`);
    await bundle(path, ".edge", offered, "export default { fetch: () => new Response(report()) };");
    const compiled = ["core.wasm", "explain.wasm"].map((file) =>
      ({ type: "CompiledWasm", path: join(out, `${file}?module`), contents: readFileSync(join(modules, file)) }));
    const workerd = new Miniflare({
      compatibilityDate: "2026-04-01",
      compatibilityFlags: flags,
      modulesRoot: out,
      modules: [{ type: "ESModule", path }, ...compiled],
    });
    t.after(() => workerd.dispose());
    assertPaths(await (await workerd.dispatchFetch("http://worker/")).text(), offered);
  });
}
