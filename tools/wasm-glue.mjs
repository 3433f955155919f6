// Turns a crate's WebAssembly into the module that is shipped, and wasm-bindgen's JavaScript into the one function that
// the package needs of it.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rollup } from "rollup";
import { renameImports, withoutFeatures } from "./wasm-sections.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, stdio: "inherit" });

/**
 * The module that the WebAssembly imports from. Nothing resolves it: whoever imports `core.wasm` must get a
 * `WebAssembly.Module`. A loader that makes an instance of it finds no such part of this package, and says so.
 */
const IMPORT_MODULE = "walnut-webhooks/needs-a-module";

/**
 * Writes `core.wasm`, with the names of its functions, and `glue.js` into a folder.
 *
 * `glue.js` exports `makeImports(host, TextDecoder)`. It returns new imports for an instance, and `__wbg_set_wasm`,
 * which binds them to it. `host` has the functions that the crate imports from `./host.js`.
 */
export async function bindgen(wasm, folder) {
  const [input, bound, optimized] = ["input.wasm", "core_bg.wasm", "core.wasm"].map((name) => join(folder, name));
  const glue = join(folder, "core_bg.js");
  writeFileSync(input, withoutFeatures(readFileSync(wasm)));
  run(path("target/tools/bin/wasm-bindgen"), input, "--target=bundler", "--no-typescript", "--remove-producers-section",
    `--out-dir=${folder}`, "--out-name=core");
  // The features are listed, since Node 20 does not know all that this wasm-opt does.
  run(path("node_modules/.bin/wasm-opt"), "-Oz", "--converge", "--strip-target-features", "--debuginfo", "--enable-simd",
    "--enable-bulk-memory", "--enable-bulk-memory-opt", "--enable-nontrapping-float-to-int", "--enable-sign-ext",
    "--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue", bound, "-o", optimized);
  const module = readFileSync(optimized);
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(module)).map(({ name }) => name);
  const names = new Map(imports.map((name, index) => [name, index.toString(36)]));
  writeFileSync(optimized, renameImports(module, IMPORT_MODULE, names));
  writeFileSync(join(folder, "glue.js"), await imported(glue, names));
  for (const file of [input, bound, glue, join(folder, "core.js")]) rmSync(file);
}

/** Returns a module with what `names` lists of wasm-bindgen's glue, as a function that makes it anew with all its state. */
async function imported(glue, names) {
  const entry = "entry";
  const used = [...names].map(([name, short]) => `${name} as "${short}"`);
  const bundle = await rollup({
    input: entry,
    external: ["./host.js"],
    plugins: [{
      name: "entry",
      resolveId: (id) => (id === entry ? id : undefined),
      load: (id) => (id === entry ? `export { ${used}, __wbg_set_wasm } from ${JSON.stringify(glue)};` : undefined),
    }],
  });
  const { output } = await bundle.generate({
    format: "iife",
    name: "imports",
    globals: () => "host",
    banner: `export const IMPORT_MODULE = ${JSON.stringify(IMPORT_MODULE)};\n\nexport function makeImports(host, TextDecoder) {`,
    footer: "return imports;\n}",
    exports: "named",
    esModule: false,
    strict: false,
    generatedCode: { preset: "es2015", symbols: false },
  });
  await bundle.close();
  return output[0].code;
}
