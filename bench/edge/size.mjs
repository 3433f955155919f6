// Measures the size of the upload with which wrangler deploys the edge.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const root = join(import.meta.dirname, "../..");
const gzip = (bytes) => gzipSync(bytes, { level: 9 }).length;

/**
 * Returns the size of each module that wrangler uploads, and of all modules together, which wrangler calls the total. Each
 * is in bytes, raw and gzipped.
 */
export function sizes(folder) {
  const wrangler = join(root, "node_modules/.bin/wrangler");
  execFileSync(wrangler, ["deploy", "--dry-run", "--outdir", folder], {
    cwd: join(root, "worker"),
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const modules = readdirSync(folder).filter((file) => /\.(js|wasm)$/.test(file));
  const named = modules.map((file) => [file, readFileSync(join(folder, file))]);
  named.push(["all", Buffer.concat(named.map(([, bytes]) => bytes))]);
  return Object.fromEntries(named.map(([name, bytes]) => [name, { bytes: bytes.length, gzip: gzip(bytes) }]));
}
