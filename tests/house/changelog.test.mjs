import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const read = (file) => readFileSync(join(import.meta.dirname, "../..", file), "utf8");
const version = /^version = "(.+)"$/m.exec(read("Cargo.toml"))[1];
const titles = read("CHANGELOG.md").match(/^## .*$/gm);

test("the changelog begins with the unreleased changes or the current version", () => {
  assert.ok(titles[0] === "## [Unreleased]" || titles[0].startsWith(`## [${version}] - `), titles[0]);
});

test("the current version has an entry, unless nothing was released yet", () => {
  const released = titles.filter((title) => title !== "## [Unreleased]");
  assert.ok(released.length === 0 || released[0].startsWith(`## [${version}] - `), `no entry for ${version}`);
});

test("versions are semantic, dated, and newest first", () => {
  const released = titles.filter((title) => title !== "## [Unreleased]");
  for (const title of released) assert.match(title, /^## \[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}$/);
  const dates = released.map((title) => title.slice(-10));
  assert.deepEqual(dates, [...dates].sort().reverse());
});
