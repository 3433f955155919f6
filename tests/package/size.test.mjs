import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { bundleSize } from "../../tools/bundle-size.mjs";

const root = join(import.meta.dirname, "../..");

const LIMIT = 21 * 1024;
/** The limit of the packed command line, which contains the prebuilt Worker. */
const CLI_LIMIT = 600_000;

test("fits everything that verifies and types a delivery into 21 KiB", async () => {
  const size = await bundleSize(join(root, "pkg"));
  assert.ok(size <= LIMIT, `${size} bytes gzipped, but at most ${LIMIT} are allowed`);
  assert.ok(size > 5000, `${size} bytes can't be all of it`);
});

test("packs the command line, with the prebuilt Worker, into 600 kB", () => {
  const options = { cwd: join(root, "pkg-cli"), encoding: "utf8" };
  const [{ size, files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"], options));
  assert.ok(files.some(({ path }) => path === "worker/core_bg.wasm"), "the Worker is not in the package");
  assert.ok(size <= CLI_LIMIT, `${size} bytes packed, but at most ${CLI_LIMIT} are allowed`);
});
