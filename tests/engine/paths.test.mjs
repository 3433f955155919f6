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

/** The same modules as in the package, but in one file each, because `native` is not part of the package's names. */
const modules = join(root, "target/pkg-trap");

/** Bundles the program for a runtime. */
async function bundle(outfile, variant, offered, print) {
  await build({
    stdin: {
      contents: `
        import { offer, paths } from "./paths.mjs";
        import { read } from "../runtimes/conformance.mjs";
        offer(${JSON.stringify(offered)});
        const { Webhook } = await import("${modules}/index${variant}.js");
        const { explain } = await import("${modules}/explain${variant}.js");
        const { native } = await import("${modules}/native.js");
        const taken = () => JSON.stringify(paths({ Webhook, explain, native, cases: read(VECTORS) }));
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
function right(json, offered) {
  const taken = JSON.parse(json);
  assert.equal(taken[0].from, offered.length > 0 ? "0" : "Infinity");
  assert.equal(taken.at(-1).from, "Infinity");
  for (const { from, checks, failures, asked, edges } of taken) {
    const where = `from ${from} bytes on, with ${JSON.stringify(asked)}`;
    assert.deepEqual(failures.slice(0, 3), [], `${failures.length} of ${checks} verdicts are wrong ${where}`);
    assert.ok(checks > 1000, `only ${checks} checks ${where}`);
    for (const name of ["hash", "createHash"]) {
      if (!offered.includes(name) || from === "Infinity") assert.equal(asked[name], 0, `${name}, ${where}`);
      else if (from === "0") assert.ok(asked[name] > 0, `${name}, ${where}`);
    }
    for (const { length, keyIndex, asked } of edges) {
      assert.equal(keyIndex, 0);
      assert.equal(asked.hash + asked.createHash, length < from ? 0 : 1, `${length} bytes, ${where}`);
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
      await bundle(file, "", offered, "console.log(taken());");
      right(await run(join(tools, program), [...options, file], out), offered);
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
    await bundle(path, ".edge", offered, "export default { fetch: () => new Response(taken()) };");
    const compiled = ["core.wasm", "explain.wasm"].map((file) =>
      ({ type: "CompiledWasm", path: join(out, `${file}?module`), contents: readFileSync(join(modules, file)) }));
    const workerd = new Miniflare({
      compatibilityDate: "2026-04-01",
      compatibilityFlags: flags,
      modulesRoot: out,
      modules: [{ type: "ESModule", path }, ...compiled],
    });
    t.after(() => workerd.dispose());
    right(await (await workerd.dispatchFetch("http://worker/")).text(), offered);
  });
}
