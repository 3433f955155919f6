// Builds the Worker's bundle: into worker/build/ to deploy, or with `--failpoints` into target/worker-failpoints/. The
// tests can make that build fail.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { notices, WORKER } from "./crates.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
const bin = (name) => path("node_modules/.bin", name);

const failpoints = process.argv.includes("--failpoints");
const out = path(failpoints ? "target/worker-failpoints" : "worker/build");
const glue = path("target/worker-glue", failpoints ? "failpoints" : "deployed");
for (const folder of [out, glue]) rmSync(folder, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

// The minified page, which Rust includes from here.
const page = path("target/worker-page");
process.env.WALNUT_PAGE = page;
run(bin("esbuild"), "worker/page/page.js", "worker/page/page.css", "--bundle", "--format=esm", "--minify", "--log-level=warning", `--outdir=${page}`);
writeFileSync(join(page, "index.html"), readFileSync(path("worker/page/index.html"), "utf8").replace(/^ +/gm, ""));

// Panics contain the paths of dependencies' files. The option below removes the part that is specific to this machine.
const registry = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "registry/src/");
run("cargo", "rustc", "--locked", "--quiet", "--package=walnut-webhooks-worker", "--lib", "--crate-type=cdylib",
  ...(failpoints ? ["--features=failpoints"] : []), "--target-dir=target", "--target=wasm32-unknown-unknown", "--profile=edge",
  `--config=target.wasm32-unknown-unknown.rustflags=["--remap-path-prefix=${registry}="]`);
run(path("target/tools/bin/wasm-bindgen"), path("target/wasm32-unknown-unknown/edge/walnut_webhooks_worker.wasm"),
  "--target=module", "--experimental-reset-state-function", "--no-typescript", "--remove-producers-section",
  `--out-dir=${glue}`, "--out-name=core");

// Workers import a module's compiled form with a plain import. Unused classes are left out of the bundle, if they are
// not registered for disposal or finalization.
const core = join(glue, "core.js");
writeFileSync(core, readFileSync(core, "utf8").replace("import source ", "import ").replace(/^if \(Symbol\.dispose\).*\n/gm, "")
  .replaceAll(": new FinalizationRegistry(", ": /* @__PURE__ */ new FinalizationRegistry("));
const bundle = () => {
  run(bin("esbuild"), "worker/index.js", "--bundle", "--format=esm", "--minify", "--log-level=warning",
    `--alias:walnut-webhooks-worker=${core}`, "--external:*.wasm", "--external:cloudflare:*", `--outfile=${join(glue, "index.js")}`);
  return readFileSync(join(glue, "index.js"), "utf8");
};

// The worker crate exports more than is used here. An export that the bundle does not name can't be called.
const callers = bundle();
const wasm = join(glue, "core_bg.wasm");
const compiled = (file) => new WebAssembly.Module(readFileSync(file));
const used = WebAssembly.Module.exports(compiled(wasm)).map(({ name }) => name).filter((name) => callers.includes(`.${name}`));
writeFileSync(join(glue, "used.json"), JSON.stringify(used.map((name) => ({ name, export: name, root: true }))));
const features = ["simd", "bulk-memory", "bulk-memory-opt", "nontrapping-float-to-int", "sign-ext", "mutable-globals",
  "reference-types", "multivalue"].map((feature) => `--enable-${feature}`);
execFileSync(bin("wasm-metadce"), [wasm, "--debuginfo", ...features, `--graph-file=${join(glue, "used.json")}`, "-o", join(glue, "used.wasm")]);
// Functions of one module are next to each other, so that gzip finds their similarities within its window of 32 KiB.
const small = join(glue, "small.wasm");
// Only the deployed build has to be as small as possible, which takes a minute.
const passes = failpoints ? ["-O1"] : ["-Oz", "--converge"];
run(bin("wasm-opt"), ...passes, "--low-memory-unused", "--reorder-functions-by-name", "--strip-debug", "--strip-target-features", ...features,
  join(glue, "used.wasm"), "-o", small);

// The names of imports and exports contain hashes, which gzip can't compress. wasm-opt makes short names, and lists them.
const renamed = JSON.parse(execFileSync(bin("wasm-opt"), [small, ...features, "--minify-imports-and-exports-and-modules", "-o", join(out, "core_bg.wasm")],
  { encoding: "utf8" }));
const imports = new Map(renamed.imports.map(([, name, short]) => [name, short]));
const exports = new Map(renamed.exports);
const functions = renamed.imports.filter(([module]) => module !== "./core_bg.js").map(([, name, short]) => `${short}: import1.${name}`);
// This also removes functions that only removed functions have called.
writeFileSync(core, readFileSync(core, "utf8")
  .replace(/^ {8}(\w+): function\(.*?^ {8}\}(?:, arguments\); \})?,\n/gms, (text, name) => imports.has(name) ? text.replace(name, imports.get(name)) : "")
  .replace(/\bwasm\.(\w+)/g, (text, name) => exports.has(name) ? `wasm.${exports.get(name)}` : text)
  .replace(/^ {8}"\.\/core_bg\.js": import0,\n {8}".*": import1,$/m, `a: { ...import0, ${functions} },`));
bundle();

// For a deployment without this repository, such as from the archive of a release.
writeFileSync(join(out, "THIRD_PARTY_LICENSES"), notices(WORKER));
// Last, because make checks only this file.
copyFileSync(join(glue, "index.js"), join(out, "index.js"));

const kib = (...files) => files.reduce((sum, file) => sum + gzipSync(readFileSync(join(out, file)), { level: 9 }).length, 0) / 1024;
console.log(`worker: ${kib("index.js", "core_bg.wasm").toFixed(1)} KiB gzipped, of which WebAssembly ${kib("core_bg.wasm").toFixed(1)}`);
