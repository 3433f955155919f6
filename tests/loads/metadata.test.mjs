// What the package says of itself: its manifest, its entries and its types, as consumers' tools see them.
import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
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
