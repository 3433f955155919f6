// Builds the SDK into pkg/, ready to publish: the core and explain as WebAssembly, the facade in pkg-templates/sdk/ as ES
// modules and as CommonJS, and their types. With `--trap`, it builds target/pkg-trap/ for the tests, with a core that can
// be made to trap.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { rollup } from "rollup";
import { bundleSize } from "./bundle-size.mjs";
import { contract, schemas, types, write } from "./contract.mjs";
import { finish } from "./package.mjs";
import { bindgen } from "./wasm-glue.mjs";
import { encode } from "./wasm-text.mjs";

/** The entries that import WebAssembly, which CommonJS can't. */
const imported = /\.edge\.js$/;

/**
 * Makes the CommonJS build read each WebAssembly module from its file, instead of including a third copy: only programs
 * that load the package from its folder use that build.
 */
const readWasm = {
  name: "read-wasm",
  load(id) {
    const [, name] = /(\w+)-module\.js$/.exec(id) ?? [];
    // Tools that copy the files of a program recognise a path in this form, but only in cjs/ itself.
    return name && `import { join } from "node:path";
import { compile } from "./wasm-file.js";
export const module = () => compile(join(__dirname, "../${name}.wasm"));
`;
  },
};

/** Removes most comments, which are a quarter of the code. The declarations and the repository have them. */
const withoutComments = { name: "without-comments", renderChunk: async (code) => (await transform(code, { target: "es2022" })).code };

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, stdio: "inherit" });
const bin = (name) => path("node_modules/.bin", name);

const trap = process.argv.includes("--trap");
const sources = path(trap ? "target/pkg-trap-src" : "target/pkg-src");
const out = path(trap ? "target/pkg-trap" : "pkg");
const compiled = `${sources}-compiled`;
for (const folder of [sources, compiled, out]) rmSync(folder, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// Panics contain the paths of dependencies' files. The option below removes the part that is specific to this machine.
const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry/src/");
mkdirSync(sources, { recursive: true });
const core = await compileWasm("walnut-webhooks", "core", { options: trap ? ["--cfg=trap"] : [] });
const explain = await compileWasm("walnut-webhooks-explain", "explain", { wrappers: ["explain"] });
cpSync(path("pkg-templates/sdk"), sources, { recursive: true });
const declared = contract();
write(join(sources, "contract.ts"), types(declared));
for (const [name, schema] of Object.entries(schemas(declared))) write(join(out, "schemas", `${name}.json`), schema);

const manifest = JSON.parse(readFileSync(path("pkg-templates/sdk/package.json"), "utf8"));
/** The files with this ending in the exports, without those in cjs/. */
const exported = (ending) =>
  [...new Set(JSON.stringify(manifest.exports).match(/(?<="\.\/)[^"/]+(?=")/g))].filter((file) => file.endsWith(ending));

run(bin("tsc"), "--project", sources, "--outDir", compiled);
// The tests import single modules of the build that traps.
if (trap) for (const file of readdirSync(compiled)) copyFileSync(join(compiled, file), join(out, file));
else await rollUp(exported(".js"), { dir: out, format: "es" });
await rollUp(exported(".js").filter((file) => !imported.test(file)), { dir: join(out, "cjs"), format: "cjs" }, readWasm);
writeFileSync(join(out, "cjs/package.json"), `{ "type": "commonjs" }\n`);
for (const file of reached(exported(".d.ts"))) {
  for (const folder of [out, join(out, "cjs")]) copyFileSync(join(compiled, file), join(folder, file));
}
finish(out, manifest, path("pkg-templates/sdk/README.md"));

/** Compiles a crate to `name.wasm`, with its glue and a module that contains it inline, and returns its bytes. */
async function compileWasm(crate, name, { options = [], wrappers = [] }) {
  run("cargo", "rustc", "--locked", "--quiet", `--package=${crate}`, "--lib", "--crate-type=cdylib",
    "--features=wasm", "--target-dir=target", "--target=wasm32-unknown-unknown", "--release",
    `--config=target.wasm32-unknown-unknown.rustflags=["--remap-path-prefix=${registry}="]`, "--", ...options);
  await bindgen(path(`target/wasm32-unknown-unknown/release/${crate.replaceAll("-", "_")}.wasm`), sources, name, wrappers);
  const wasm = readFileSync(join(sources, `${name}.wasm`));
  writeFileSync(join(out, `${name}.wasm`), wasm);
  writeFileSync(join(sources, `${name}-module.ts`), `import { compile } from "./wasm-inline.js";
export const module = (): object => compile(${JSON.stringify(encode(wasm))});
`);
  return wasm;
}

/**
 * Puts the modules that every program loads into one file. By default, Rollup makes a file for each set of entries that
 * share a module.
 */
function shared(id) {
  return /\/(error|input|keys|options|seen|utf8|wasm|wasm-inline)\.js$/.test(id) ? "input" : undefined;
}

/** Puts modules into few files, because each file costs import time. */
async function rollUp(files, output, ...plugins) {
  const modules = await rollup({ input: files.map((file) => join(compiled, file)), external: /^node:|^fastify$|^walnut-webhooks(\/|$)|\.wasm/,
    plugins: [...plugins, withoutComments] });
  await modules.write({ chunkFileNames: "shared/[name].js", manualChunks: shared, exports: "named", hoistTransitiveImports: false,
    minifyInternalExports: false, freeze: false, esModule: true, dynamicImportInCjs: false, generatedCode: { preset: "es2015", symbols: false }, ...output });
  await modules.close();
}

/** Returns these declarations and all that they import. */
function reached(files) {
  const found = new Set(files);
  for (const file of found) {
    const text = readFileSync(join(compiled, file), "utf8");
    for (const [, name] of text.matchAll(/(?:from |import\()"\.\/([^"]+)\.js"/g)) found.add(`${name}.d.ts`);
  }
  return found;
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
for (const [entry, wasm] of Object.entries({ index: core, explain })) {
  const [bundle, gzipped] = [await bundleSize(out, entry), gzipSync(wasm, { level: 9 }).length];
  console.log(`pkg: ${entry} has ${kib(bundle)} gzipped in a bundle, of which WebAssembly ${kib(gzipped)}`);
}
