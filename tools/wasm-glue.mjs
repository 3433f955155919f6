// Turns a crate's WebAssembly into the shipped module, and wasm-bindgen's JavaScript into the one function that the
// package needs.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rollup } from "rollup";
import { renameImports, withoutFeatures } from "./wasm-sections.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, stdio: "inherit" });

/**
 * The module that the WebAssembly imports from. It does not exist: an import of `core.wasm` must give a
 * `WebAssembly.Module`. A loader that creates an instance instead reports that this part of the package is
 * missing.
 */
const IMPORT_MODULE = "walnut-webhooks/import-as-module";

/**
 * Writes `NAME.wasm` and `NAME-glue.js` into a folder.
 *
 * `NAME-glue.js` exports `makeGlue(utf8Classes)`. It returns the imports of a new instance, `__wbg_set_wasm`, which binds
 * them to the instance's exports, and those functions of `wrappers` that convert arguments for an export.
 */
export async function bindgen(wasm, folder, name, wrappers = []) {
  const file = (ending) => join(folder, `${name}${ending}`);
  // Without its list of features, wasm-bindgen adds no table of JavaScript values, which only wrappers need.
  const input = readFileSync(wasm);
  writeFileSync(file("_input.wasm"), wrappers.length > 0 ? input : withoutFeatures(input));
  run(path("target/tools/bin/wasm-bindgen"), file("_input.wasm"), "--target=bundler", "--no-typescript",
    "--remove-producers-section", `--out-dir=${folder}`, `--out-name=${name}`);
  // The features are listed, because Node 20 does not support all features of this wasm-opt. It inlines functions of up
  // to twice the usual length, which makes `verify` 5 % faster and the module 63 bytes longer.
  run(path("node_modules/.bin/wasm-opt"), "-O3", "--flexible-inline-max-function-size=40", "--converge",
    "--strip-target-features", "--strip-debug", "--enable-simd", "--enable-bulk-memory", "--enable-bulk-memory-opt",
    "--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-mutable-globals", "--enable-reference-types",
    "--enable-multivalue", file("_bg.wasm"), "-o", file(".wasm"));
  const module = readFileSync(file(".wasm"));
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module)).map(({ name }) => name);
  const names = new Map(imports.map((name, index) => [name, index.toString(36)]));
  writeFileSync(file(".wasm"), renameImports(module, IMPORT_MODULE, names));
  const used = [...[...names].map(([name, short]) => `${name} as "${short}"`), "__wbg_set_wasm", ...wrappers];
  writeFileSync(file("-glue.js"), await glue(`export { ${used} } from ${JSON.stringify(file("_bg.js"))};`));
  for (const ending of ["_input.wasm", "_bg.wasm", "_bg.js", ".js"]) rmSync(file(ending));
}

/** Returns a module with a function that runs `source` and returns its exports. Each call has separate state. */
async function glue(source) {
  const entry = "entry";
  // Imports of ./host.js stay outside of the function: access through its properties would make each call slower.
  let imports = "";
  const bundle = await rollup({
    input: entry,
    plugins: [{
      name: entry,
      resolveId: (id) => (id === entry ? id : undefined),
      load: (id) => (id === entry ? source : undefined),
      transform: (code) => code.replace(/^import .* from '\.\/host\.js';$/m, (statement) => ((imports = statement), "")),
    }],
  });
  const { output } = await bundle.generate({
    format: "iife",
    name: "glue",
    banner: "export function makeGlue({ TextDecoder, TextEncoder }) {",
    footer: "return glue;\n}",
    exports: "named",
    esModule: false,
    strict: false,
    generatedCode: { preset: "es2015", symbols: false },
  });
  await bundle.close();
  return `${imports}\n\nexport const IMPORT_MODULE = ${JSON.stringify(IMPORT_MODULE)};\n\n${output[0].code}`;
}
