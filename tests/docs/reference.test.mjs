// The reference of the package is complete: every export has a description, and no link is broken.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { root } from "./markdown.mjs";

test("typedoc reports no warning", () => {
  const typedoc = join(root, "tests/node_modules/typedoc/bin/typedoc");
  return promisify(execFile)(process.execPath, [typedoc, "--tsconfig", "docs/tsconfig.json", "--emit", "none"], { cwd: root });
});
