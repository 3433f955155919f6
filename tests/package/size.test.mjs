import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { bundleSize } from "../../tools/bundle-size.mjs";

const LIMIT = 21 * 1024;

test("fits everything that verifies and types a delivery into 21 KiB", async () => {
  const size = await bundleSize(join(import.meta.dirname, "../../pkg"));
  assert.ok(size <= LIMIT, `${size} bytes gzipped, but at most ${LIMIT} are allowed`);
  assert.ok(size > 5000, `${size} bytes can't be all of it`);
});
