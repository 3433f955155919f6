// Builds the SDK into pkg/, ready to publish: the core and explain as WebAssembly, the facade in pkg-templates/sdk/ as ES
// modules and as CommonJS, and their types. With `--trap`, it builds target/pkg-trap/ for the tests, whose core
// can be made to trap.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { rollup } from "rollup";
import { bundleSize } from "./bundle-size.mjs";
import { contract, schemas, types, write } from "./contract.mjs";
import { finish } from "./package.mjs";
import { withoutNames } from "./wasm-names.mjs";
import { encode } from "./wasm-text.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, stdio: "inherit" });
const bin = (name) => path("node_modules/.bin", name);

const trap = process.argv.includes("--trap");
const sources = path(trap ? "target/pkg-trap-src" : "target/pkg-src");
const out = path(trap ? "target/pkg-trap" : "pkg");
for (const folder of [sources, out]) rmSync(folder, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// Panics name the files of dependencies; where those lie on this machine is left out.
const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry/src/");
const core = compileWasm("walnut-webhooks", trap ? "trap" : "wasm", "core");
const explain = compileWasm("walnut-webhooks-explain", "wasm", "explain");
await wrapGlue("explain");

cpSync(path("pkg-templates/sdk"), sources, { recursive: true });
const declared = contract();
write(join(sources, "contract.ts"), types(declared));
for (const [name, schema] of Object.entries(schemas(declared))) write(join(out, "schemas", `${name}.json`), schema);

run(bin("tsc"), "--project", sources, "--outDir", out);
const manifest = JSON.parse(readFileSync(path("pkg-templates/sdk/package.json"), "utf8"));
// Each file costs import time, so there are few. Besides the entries, these stay apart: what tests import, and the
// text, which compresses better alone. Tests that trap need all modules as they are.
if (!trap) await group(["flow.js", "native.js", "core-module.js", "explain-module.js", "webhook.js"]);
// Where compiled bytes are forbidden, modules are imported, which CommonJS can't.
for (const file of readdirSync(sources)) if (/\.(workerd|edge-light)\.ts$/.test(file)) rmSync(join(sources, file));
run(bin("tsc"), "--project", sources, "--outDir", join(out, "cjs"), "--module", "commonjs");
writeFileSync(join(out, "cjs/package.json"), `{ "type": "commonjs" }\n`);

finish(out, manifest);

/** Compiles a crate to `name.wasm`, with a module that has it inline, and returns its bytes. */
function compileWasm(crate, features, name) {
  run("cargo", "rustc", "--locked", "--quiet", `--package=${crate}`, "--lib", "--crate-type=cdylib",
    `--features=${features}`, "--target-dir=target", "--target=wasm32-unknown-unknown", "--release",
    `--config=target.wasm32-unknown-unknown.rustflags=["--remap-path-prefix=${registry}="]`);
  run(path("target/tools/bin/wasm-bindgen"), path(`target/wasm32-unknown-unknown/release/${crate.replaceAll("-", "_")}.wasm`),
    "--target=bundler", "--no-typescript", "--remove-producers-section", `--out-dir=${sources}`, `--out-name=${name}`);
  // The features are listed, since all that this wasm-opt knows is more than Node 20 takes.
  run(bin("wasm-opt"), "-Oz", "--converge", "--strip-target-features", "--debuginfo", "--enable-simd",
    "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-nontrapping-float-to-int", "--enable-sign-ext",
    "--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue", join(sources, `${name}_bg.wasm`), "-o", join(sources, `${name}.wasm`));
  // The names of functions stay behind: tools/panic-free.mjs reads them.
  const wasm = withoutNames(readFileSync(join(sources, `${name}.wasm`)));
  writeFileSync(join(out, `${name}.wasm`), wasm);
  // What bundlers would load; here the facade does, without an `await`.
  for (const file of [`${name}.js`, `${name}_bg.wasm`]) rmSync(join(sources, file));
  writeFileSync(join(sources, `${name}-module.ts`), `import { compile } from "./wasm-inline.js";
export function module(): object {
  return compile(${JSON.stringify(encode(wasm))});
}
`);
  return wasm;
}

/** Puts wasm-bindgen's glue into a function, since it keeps state of one instance: each instance gets its own glue. */
async function wrapGlue(name) {
  const file = join(sources, `${name}_bg.js`);
  const modules = await rollup({ input: file });
  const { output } = await modules.generate({ format: "cjs", exports: "named", esModule: false, strict: false });
  await modules.close();
  writeFileSync(join(sources, `${name}-glue.js`), `export function glue() {\nconst exports = {};\n${output[0].code}return exports;\n}\n`);
  rmSync(file);
}

/** Puts each exported module and its own together, and those of some `others`; what several need is in shared/. */
async function group(others) {
  const files = JSON.stringify(manifest.exports).match(/(?<="\.\/)[^/"]+\.js(?=")/g).concat(others);
  const modules = await rollup({ input: files.map((file) => join(out, file)), external: /^node:|^fastify$|\.wasm/ });
  for (const file of readdirSync(out)) if (file.endsWith(".js")) rmSync(join(out, file));
  await modules.write({ dir: out, chunkFileNames: "shared/[name].js", hoistTransitiveImports: false,
    minifyInternalExports: false, freeze: false, generatedCode: "es2015" });
  await modules.close();
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
for (const [entry, wasm] of Object.entries({ index: core, explain })) {
  const [bundle, gzipped] = [await bundleSize(out, entry), gzipSync(wasm, { level: 9 }).length];
  console.log(`pkg: ${entry} has ${kib(bundle)} gzipped in a bundle, of which WebAssembly ${kib(gzipped)}`);
}
