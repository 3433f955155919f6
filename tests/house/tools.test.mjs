import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

/** Asks for a version that nobody can have, with CI set as a machine for it has, in a folder of its own. */
function install(t, variables) {
  const folder = mkdtempSync(join(tmpdir(), "tools-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(import.meta.dirname, "../../tools/prerequisites.sh"), join(folder, "tools/prerequisites.sh"));
  const { status, stderr } = spawnSync("tools/prerequisites.sh", ["tool", "wasm-bindgen", "wasm-bindgen-cli", "0.0.0"], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, CI: "1", LOCKED: "", ...variables },
  });
  assert.ok(!existsSync(join(folder, "target/tools/bin/wasm-bindgen")));
  return { status, tries: stderr.match(/^error: /gm)?.length };
}

test("a tool that can't be built fails there, after a try without its lock file", (t) => {
  const { status, tries } = install(t, {});
  assert.notEqual(status, 0);
  assert.equal(tries, 2);
});

test("with LOCKED=1, as for a release, nothing is tried without the lock file", (t) => {
  const { status, tries } = install(t, { LOCKED: "1" });
  assert.notEqual(status, 0);
  assert.equal(tries, 1);
});
