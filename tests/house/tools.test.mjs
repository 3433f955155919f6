import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

/**
 * Builds a tool in a separate folder, with CI set, by a fake Cargo that fails if its arguments match `failing`. A real
 * Cargo fails in this way only if its registry lacks a version.
 */
function install(t, failing, variables = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tools-"));
  t.after(() => rmSync(folder, { recursive: true }));
  cpSync(join(root, "tools/prerequisites.sh"), join(folder, "tools/prerequisites.sh"));
  const cargo = `#!/bin/sh
echo "$*" >> tries
case "$*" in ${failing}) exit 101 ;; esac
mkdir -p target/tools/bin
touch target/tools/bin/a-tool
chmod +x target/tools/bin/a-tool
`;
  writeFileSync(join(folder, "cargo"), cargo, { mode: 0o755 });
  const { status } = spawnSync("tools/prerequisites.sh", ["tool", "a-tool", "a-crate", "1.2.3"], {
    cwd: folder,
    env: { PATH: folder + delimiter + process.env.PATH, CI: "1", ...variables },
  });
  return {
    ok: status === 0,
    built: existsSync(join(folder, "target/tools/bin/a-tool")),
    tries: readFileSync(join(folder, "tries"), "utf8").trimEnd().split("\n"),
  };
}

const WITH = "install --debug --root target/tools --bin a-tool a-crate@1.2.3 --locked";
const WITHOUT = "install --debug --root target/tools --bin a-tool a-crate@1.2.3";

test("builds a tool with its lock file", (t) => {
  assert.deepEqual(install(t, "nothing"), { ok: true, built: true, tries: [WITH] });
});

test("builds a tool without its lock file if the registry lacks a version", (t) => {
  assert.deepEqual(install(t, "*--locked*"), { ok: true, built: true, tries: [WITH, WITHOUT] });
});

test("fails if a tool can't be built at all", (t) => {
  assert.deepEqual(install(t, "*"), { ok: false, built: false, tries: [WITH, WITHOUT] });
});

test("with LOCKED=1, as for a release, does not build without the lock file", (t) => {
  assert.deepEqual(install(t, "*--locked*", { LOCKED: "1" }), { ok: false, built: false, tries: [WITH] });
});

test("fails if an installation succeeds but the program is missing", (t) => {
  assert.equal(install(t, "*) exit 0 ;; never").ok, false);
});
