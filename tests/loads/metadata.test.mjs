// The metadata of the package: its manifest, its entries and its types, as users' tools see them.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import ts from "typescript";
import { install, root, run, tools } from "./support.mjs";
import { compile, consumers, resolutions } from "./types.mjs";

let consumer;
before(async () => (consumer = await install("metadata")));

test("npm installs only this package, and runs no script", () => {
  const manifest = JSON.parse(readFileSync(join(consumer.installed, "package.json"), "utf8"));
  const { dependencies, optionalDependencies, scripts, sideEffects } = manifest;
  assert.deepEqual({ dependencies, optionalDependencies, scripts, sideEffects }, {
    dependencies: undefined,
    optionalDependencies: undefined,
    scripts: undefined,
    sideEffects: false,
  });
  const installed = readdirSync(join(consumer.projects, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(installed, ["walnut-webhooks"]);
});

const files = () => readdirSync(consumer.installed, { recursive: true });
const text = (file) => readFileSync(join(consumer.installed, file), "utf8");

test("the tarball has at most 150 kB, and 470 kB unpacked", () => {
  assert.ok(statSync(consumer.tarball).size <= 150_000, `${statSync(consumer.tarball).size} bytes packed`);
  const sizes = files().map((file) => statSync(join(consumer.installed, file))).filter((one) => one.isFile());
  const unpacked = sizes.reduce((sum, { size }) => sum + size, 0);
  assert.ok(unpacked <= 470_000, `${unpacked} bytes unpacked`);
});

test("each WebAssembly module occurs at most twice: as a file, and inlined in one module", () => {
  const names = files().filter((file) => file.endsWith(".wasm")).map((file) => file.replace(".wasm", ""));
  assert.ok(names.includes("core"));
  const long = files().filter((file) => file.endsWith(".js") && /[^\n"'`\\]{10000}/.test(text(file)));
  assert.deepEqual(long.sort(), names.map((name) => (name === "core" ? "index.js" : `${name}.js`)).sort());
});

test("each declaration is reached from an entry", () => {
  const { exports } = JSON.parse(text("package.json"));
  const reached = new Set(JSON.stringify(exports).match(/(?<="\.\/)[^"]+\.d\.ts(?=")/g));
  for (const file of reached) {
    for (const { fileName } of ts.preProcessFile(text(file)).importedFiles) {
      if (fileName.startsWith(".")) reached.add(join(file, "..", fileName.replace(/\.js$/, ".d.ts")));
    }
  }
  assert.deepEqual(files().filter((file) => file.endsWith(".d.ts")).sort(), [...reached].sort());
});

test("the package has its own README, with only absolute links", () => {
  const links = [...text("README.md").matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
  assert.ok(links.length > 0);
  for (const link of links) assert.match(link, /^https:\/\//);
  assert.ok(text("README.md").split("\n").length <= 80);
});

const linters = [
  ["publint", "publint/src/cli.js", "run", "--strict"],
  ["are-the-types-wrong, under any resolution,", "@arethetypeswrong/cli/dist/index.js", "--profile=strict"],
];

for (const [name, program, ...options] of linters) {
  test(`${name} finds nothing`, () =>
    run("node", [join(tools, program), ...options, consumer.tarball], consumer.projects));
}

// make compat runs the other versions of TypeScript, and its other ways to resolve a package.
for (const [compiler, folder, way] of [["TypeScript 5.6", tools, "nodenext"], ["TypeScript 7", join(root, "node_modules"), "bundler"]]) {
  const resolution = resolutions.find(([name]) => name === way);
  for (const one of consumers) {
    test(`${compiler}, ${way}: the types of ${one.name}.ts hold`, () =>
      compile(join(folder, "typescript"), join(consumer.projects, "types"), one, resolution, "es2020"));
  }
}
