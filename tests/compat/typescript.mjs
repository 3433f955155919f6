// Each version of TypeScript that the package's types support.
import { join } from "node:path";
import { before, test } from "node:test";
import { install } from "../loads/support.mjs";
import { compile, consumers, resolutions } from "../loads/types.mjs";

const modules = join(import.meta.dirname, "node_modules");

let types;
before(async () => (types = join((await install("typescript", modules)).projects, "types")));

for (const version of ["5.0", "5.2", "5.4", "5.6", "5.8", "5.9", "6", "7"]) {
  for (const resolution of resolutions) {
    for (const consumer of consumers) {
      // The other consumers import the same declarations, and take longer.
      const isMain = ["nodenext", "bundler"].includes(resolution[0]);
      if (consumer.name !== "consumer" && !isMain) continue;
      // Fastify 5's types use NoInfer, which TypeScript 5.4 added.
      if (consumer.name === "fastify" && ["5.0", "5.2"].includes(version)) continue;
      for (const target of resolution[0] === "bundler" ? ["es2020", "esnext"] : ["es2020"]) {
        test(`TypeScript ${version}, ${resolution[0]}, ${target}: the types of ${consumer.name}.ts hold`, () =>
          compile(join(modules, `typescript-${version}`), types, consumer, resolution, target));
      }
    }
  }
}
