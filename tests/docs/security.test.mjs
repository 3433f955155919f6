// SECURITY.md names the test that proves each claim. Each of these tests must exist.
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");

test("SECURITY.md: each test that it names is there, and each row names one", () => {
  const rows = readFileSync(join(root, "SECURITY.md"), "utf8").split("\n").filter((line) => /^\| .* \|$/.test(line)).slice(1);
  ok(rows.length > 10);
  for (const row of rows) {
    const proofs = [...row.matchAll(/`((?:src|explain|tests|worker)\/[^`]+)` "((?:[^"`]|`[^`]+`)+)"/g)];
    ok(proofs.length > 0, row);
    const lost = proofs.filter(([, file, name]) => {
      return !existsSync(join(root, file)) || !readFileSync(join(root, file), "utf8").includes(name.replaceAll("`", ""));
    });
    deepEqual(lost.map(([proof]) => proof), []);
  }
});
