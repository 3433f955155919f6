// SECURITY.md names the tests for each threat. Each of these tests must exist.
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "SECURITY.md"), "utf8");

/** Returns the tests in a text that do not exist, and checks that it names one. */
function missing(text) {
  const tests = [...text.matchAll(/`((?:src|explain|tests|worker)\/[^`]+)` "((?:[^"`]|`[^`]+`)+)"/g)];
  ok(tests.length > 0, text);
  const isMissing = ([, file, name]) =>
    !existsSync(join(root, file)) || !readFileSync(join(root, file), "utf8").includes(name.replaceAll("`", ""));
  return tests.filter(isMissing).map(([proof]) => proof);
}

test("SECURITY.md: each threat has its tests, and each of these tests exists", () => {
  const threats = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
  const lists = [...page.matchAll(/^(\d+)\. - .*(?:\n {3,4}- .*)*/gm)];
  ok(threats.length > 10);
  deepEqual(threats, threats.map((_, index) => index + 1));
  deepEqual(lists.map(([, number]) => Number(number)), threats);
  for (const [list] of lists) deepEqual(missing(list), []);
});
