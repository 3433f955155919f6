// What the package says of itself: its manifest, its entries and its types, as consumers' tools see them.
import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import ts from "typescript";
import { install, run, tools } from "./support.mjs";

let consumer;
before(async () => (consumer = await install("metadata")));

test("npm installs it alone, and runs nothing", () => {
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

test("the tarball has at most 130 kB, and 400 kB unpacked", () => {
  assert.ok(statSync(consumer.tarball).size <= 130_000, `${statSync(consumer.tarball).size} bytes packed`);
  const sizes = files().map((file) => statSync(join(consumer.installed, file))).filter((one) => one.isFile());
  const unpacked = sizes.reduce((sum, { size }) => sum + size, 0);
  assert.ok(unpacked <= 400_000, `${unpacked} bytes unpacked`);
});

test("each WebAssembly is there twice at most: as a file, and inlined in one module", () => {
  const names = files().filter((file) => file.endsWith(".wasm")).map((file) => file.replace(".wasm", ""));
  assert.ok(names.includes("core"));
  const long = files().filter((file) => file.endsWith(".js") && /[^\n"'`\\]{10000}/.test(text(file)));
  assert.deepEqual(long.sort(), names.map((name) => `${name}-module.js`).sort());
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

test("its README is its own, and every link in it is absolute", () => {
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

const resolutions = [
  ["node16, ESM", "mts", { module: "node16" }],
  ["node16, CommonJS", "cts", { module: "node16" }],
  ["nodenext, ESM", "mts", { module: "nodenext" }],
  ["nodenext, CommonJS", "cts", { module: "nodenext" }],
  ["bundler", "ts", { module: "esnext", moduleResolution: "bundler" }],
  ["bundler, workerd", "ts", { module: "esnext", moduleResolution: "bundler", customConditions: ["workerd"] }],
  ["bundler, edge-light", "ts", { module: "esnext", moduleResolution: "bundler", customConditions: ["edge-light"] }],
];

const compilers = [["TypeScript 5.6", tools], ["TypeScript 7", join(tools, "../../node_modules")]];

for (const [compiler, folder] of compilers) {
  for (const [name, extension, resolution] of resolutions) {
    test(`${compiler}, ${name}: its types hold, and need neither the DOM's nor Node's`, () =>
      compiles(folder, "consumer", extension, { ...resolution, types: [] }));
    test(`${compiler}, ${name}: the types of its entry for Express hold`, () =>
      compiles(folder, "express", extension, { ...resolution, types: ["node"] }));
  }
}

async function compiles(compiler, source, extension, resolution) {
  const project = join(consumer.projects, "types");
  const file = `${source}.${extension}`;
  if (extension !== "ts") copyFileSync(join(project, `${source}.ts`), join(project, file));
  const common = { target: "es2022", lib: ["es2022"], strict: true, skipLibCheck: false, noEmit: true };
  const config = join(project, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...common, ...resolution }, files: [file] }));
  await run("node", [join(compiler, "typescript/bin/tsc"), "--project", config], project);
}
