// Builds the Worker's bundle: into worker/build/ to deploy, or with `--failpoints` into
// target/worker-failpoints/ for the tests, which ask it to fail.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const failpoints = process.argv.includes("--failpoints");

const out = failpoints ? "../target/worker-failpoints" : "build";
const args = ["--release", "--out-dir", out, "worker"];
if (failpoints) args.push("--features", "failpoints");

execFileSync(join(root, "target/tools/bin/worker-build"), args, {
  cwd: root,
  stdio: ["ignore", "inherit", "inherit"],
  env: {
    ...process.env,
    // worker-build would download these.
    WASM_BINDGEN_BIN: join(root, "target/tools/bin/wasm-bindgen"),
    WASM_OPT_BIN: join(root, "node_modules/.bin/wasm-opt"),
    ESBUILD_BIN: join(root, "node_modules/.bin/esbuild"),
  },
});

// The names of functions are a sixth of it, and of use to a debugger only.
const wasm = join(root, "worker", out, "index_bg.wasm");
execFileSync(join(root, "node_modules/.bin/wasm-opt"), ["--strip-debug", wasm, "-o", wasm], { stdio: "inherit" });
