// The test runners: each runs a small project that unit-tests a handler with the testing kit of the installed package.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { install, run, tools, workerd } from "./support.mjs";

let consumer;
before(async () => (consumer = await install("runners")));
const project = (name) => join(consumer.projects, "runners", name);

/** Runs a tool in a project, and requires that all tests of the project pass, because a runner may find none. */
async function passes(name, expected, program, ...args) {
  const printed = await run("node", [program, ...args], project(name));
  assert.match(printed, expected);
}

for (const [environment, count] of [["node", 2], ["jsdom", 3], ["edge", 4]]) {
  test(`Jest runs the testing kit in the environment ${environment}`, async () => {
    const results = join(project("jest"), `${environment}.json`);
    await passes("jest", /^/, join(tools, "jest/bin/jest.js"), "--ci", "--json", `--outputFile=${results}`, `${environment}.test.js`);
    assert.equal(JSON.parse(readFileSync(results, "utf8")).numPassedTests, count);
  });
}

test("Vitest runs the testing kit in TypeScript", () =>
  passes("vitest", /Tests +1 passed/, join(tools, "vitest/vitest.mjs"), "run", "--no-color"));

test("a unit test of a handler in TypeScript has at most ten lines, and compiles as strict", async () => {
  assert.ok(readFileSync(join(project("vitest"), "receiver.test.ts"), "utf8").trimEnd().split("\n").length <= 10);
  await run("node", [join(tools, "typescript/bin/tsc"), "--project", "tsconfig.json"], project("vitest"));
});

test("Mocha runs the testing kit by import and by require", () =>
  passes("mocha", /3 passing/, join(tools, "mocha/bin/mocha.js"), "*.spec.*"));

test("node:test runs the testing kit", () => passes("node", /^# pass 2$/m, "--test", "--test-reporter=tap"));

test("workerd runs the testing kit and explains a rejection, and its bundle imports WebAssembly", async () => {
  const out = join(project("worker"), "out");
  const date = "2026-04-01";
  const wrangler = join(tools, "../../node_modules/wrangler/bin/wrangler.js");
  await run("node", [wrangler, "deploy", "index.mjs", "--dry-run", `--outdir=${out}`, "--name=kit", `--compatibility-date=${date}`], project("worker"));
  // A Worker can't compile bytes, and inlined WebAssembly is the only text of this length.
  assert.doesNotMatch(readFileSync(join(out, "index.js"), "utf8"), /[^\n"'`\\]{10000}/);
  assert.deepEqual(JSON.parse(await workerd(out, "index.js", { compatibilityDate: date })), ["demo_session_finished", 200, 401, ["key_whitespace"]]);
});
