// Changes the sources of the npm package in one place at a time, and reports the changes that no test detects. It works on
// a copy, in which the package's name resolves to the changed package.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { Stryker } from "@stryker-mutator/core";
import { explained } from "./explained.mjs";

/** The changed files, and their tests, the fastest first: the code that decides, and the common code of the adapters. */
const PARTS = [
  {
    files: ["webhook", "keys", "explainer", "input", "engine", "error", "options", "host", "native"],
    tests: [
      "package/webhook.test.mjs", "package/options.test.mjs", "engine/keys.test.mjs", "engine/first.test.mjs", "engine/absent.test.mjs",
      "mutation/vectors.mjs", "package/mistakes.test.mjs", "engine/trap.test.mjs", "engine/leaks.test.mjs", "package/explain.test.mjs", "engine/explain.test.mjs",
    ],
  },
  {
    files: ["flow", "handlers", "reject", "head", "receive", "deliver", "deadline"],
    tests: ["package/node.test.mjs", "package/fetch.test.mjs", "package/express.test.mjs"],
  },
  {
    files: ["incoming"],
    tests: ["package/node.test.mjs", "package/express.test.mjs", "package/fastify.test.mjs"],
  },
];

/**
 * All tests except those that take seconds, that check the files of the shipped package, or that another test
 * covers. `<root>` is the group that Node puts around each test.
 */
const NAMES = "^(?!frees each of 10,000|a webhook that outlived|.*: 1,000 bodies|leaves no function|Express 4|<root>)";

const root = join(import.meta.dirname, "../..");
const copy = join(root, "target/mutation");
// The build with an export that traps, so that the tests also cover the calls after a trap.
const [sources, built] = ["target/pkg-trap-src", "target/pkg-trap"];

const selected = process.argv.slice(2);
const text = {};
const mutants = [];
prepare();
process.chdir(copy);
for (const { files, tests } of PARTS) {
  const changed = files.filter((file) => selected.length === 0 || selected.includes(file));
  for (const file of changed) text[file] = readFileSync(`${sources}/${file}.ts`, "utf8");
  if (changed.length > 0) mutants.push(...(await testMutants(changed, tests)));
}
process.exitCode = report(Object.keys(text)) ? 0 : 1;

/** Changes each place of these files, one at a time, runs the tests, and returns the results. */
function testMutants(files, tests) {
  const stryker = new Stryker({
    mutate: files.map((file) => `${sources}/${file}.ts`),
    inPlace: true,
    buildCommand: `node_modules/.bin/tsc --project ${sources} --outDir ${built}`,
    testRunner: "tap",
    tap: {
      testFiles: tests.map((file) => `tests/${file}`),
      nodeArgs: ["--test-reporter=tap", `--test-name-pattern=${NAMES}`],
    },
    concurrency: 1,
    reporters: ["progress-append-only"],
  });
  return stryker.runMutationTest();
}

function prepare() {
  rmSync(copy, { recursive: true, force: true });
  for (const folder of [sources, built, "tests"]) {
    const filter = (path) => basename(path) !== "node_modules";
    cpSync(join(root, folder), join(copy, folder), { recursive: true, filter });
  }
  link("pkg", join(copy, built));
  link("tests/node_modules", join(root, "tests/node_modules"));
  link("tools", join(root, "tools"));
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(root, "node_modules"))) {
    link(`node_modules/${name}`, name === "walnut-webhooks" ? join(copy, "pkg") : join(root, "node_modules", name));
  }
}

function link(path, to) {
  symlinkSync(relative(dirname(join(copy, path)), to), join(copy, path));
}

/** Prints the survivors and the figures. Returns whether every survivor is explained, and every explained mutant survived. */
function report(files) {
  const results = mutants.map((mutant) => ({ ...mutant, file: basename(mutant.fileName, ".ts") })).map(describe);
  const survivors = results.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  const matches = (entry) => (mutant) => ["file", "code", "becomes"].every((name) => entry[name] === mutant[name]);
  const unexplained = survivors.filter((mutant) => !explained.some((entry) => matches(entry)(mutant)));
  const killed = explained.filter((entry) => files.includes(entry.file) && !survivors.some(matches(entry)));

  for (const { file, at, code, becomes } of unexplained) console.log(`\n${file}.ts:${at} survived\n- ${code}\n+ ${becomes}`);
  for (const { file, code, becomes } of killed) console.log(`\n${file}.ts: explained, but did not survive\n- ${code}\n+ ${becomes}`);
  const figures = (isCounted) => {
    const timeouts = results.filter(({ status }) => status === "Timeout").filter(isCounted).length;
    const [all, survived, missed] = [results, survivors, unexplained].map((list) => list.filter(isCounted).length);
    return { mutants: all, caught: all - survived, "by timeout": timeouts, explained: survived - missed, missed };
  };
  console.table(Object.fromEntries(files.map((file) => [file, figures((mutant) => mutant.file === file)])));
  const { mutants: all, caught, explained: reasoned, missed } = figures(() => true);
  console.log(`facade: ${all} mutants, ${caught} caught, ${reasoned} explained, ${missed} missed`);
  return unexplained.length === 0 && killed.length === 0;
}

/** Adds the changed code to a mutant, on one line. */
function describe(mutant) {
  const { start, end } = mutant.location;
  const lines = text[mutant.file].split("\n").slice(start.line - 1, end.line);
  lines.push(lines.pop().slice(0, end.column - 1));
  lines[0] = lines[0].slice(start.column - 1);
  const line = (code) => code.replaceAll(/\s+/g, " ");
  return { ...mutant, at: `${start.line}:${start.column}`, code: line(lines.join(" ")), becomes: line(mutant.replacement) };
}
