// Builds the command line into pkg-cli/, ready to publish: pkg-templates/cli/ as ES modules, the harness page, and the
// prebuilt Worker. It needs pkg/, whose types and code it uses, and worker/build/.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { contract, fields, write } from "./contract.mjs";
import { finish, version } from "./package.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);

const out = path("pkg-cli");
rmSync(out, { recursive: true, force: true });
mkdirSync(join(out, "harness"), { recursive: true });

execFileSync(path("node_modules/.bin/tsc"), ["--project", "pkg-templates/cli"], { cwd: root, stdio: "inherit" });

write(path("target/contract/fields.ts"), fields(contract()));
// The page is a folder that any file server can serve.
const entries = { "walnut-webhooks": "index", "walnut-webhooks/explain": "explain", "walnut-webhooks/testing": "testing" };
await build({ entryPoints: [path("harness/app.ts")], outfile: join(out, "harness/app.js"), bundle: true, format: "esm",
  target: "es2022", alias: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, path(`pkg/${file}.js`)])) });
for (const file of readdirSync(path("harness"))) {
  if (/\.(html|css|svg)$/.test(file)) cpSync(path("harness", file), join(out, "harness", file));
}

// The Worker as it is deployed, and the other files that `edge init` writes.
mkdirSync(join(out, "worker"));
for (const file of ["build/index.js", "build/core_bg.wasm", "machine.js"]) cpSync(path("worker", file), join(out, "worker", basename(file)));
cpSync(path("pkg-templates/cli/edge/template"), join(out, "edge/template"), { recursive: true });

const manifest = JSON.parse(readFileSync(path("pkg-templates/cli/package.json"), "utf8"));
// The notices of the SDK, which the page contains.
finish(out, { ...manifest, dependencies: { "walnut-webhooks": version } }, path("pkg-templates/cli/README.md"));
chmodSync(join(out, "main.js"), 0o755);
