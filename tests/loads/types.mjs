// Compiles the consumers of projects/types/ as strictly as a project can.
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./support.mjs";

/** The consumers, and the types that each needs in addition to the language's types. */
export const consumers = [
  { name: "consumer", libraries: [], types: [] },
  { name: "web", libraries: ["dom"], types: [] },
  { name: "node", libraries: [], types: ["node"] },
  { name: "fastify", libraries: [], types: ["node"] },
];

/** Each way in which TypeScript resolves a package, with its options and the extensions of its source files. */
export const resolutions = [
  ["node16", { module: "node16" }, ["mts", "cts"]],
  ["nodenext", { module: "nodenext" }, ["mts", "cts"]],
  ["bundler", { module: "esnext", moduleResolution: "bundler" }, ["ts"]],
  ["bundler, workerd", { module: "esnext", moduleResolution: "bundler", customConditions: ["workerd"] }, ["ts"]],
  ["bundler, edge-light", { module: "esnext", moduleResolution: "bundler", customConditions: ["edge-light"] }, ["ts"]],
];

let configs = 0;

/** Compiles a consumer with the TypeScript in the folder `compiler`, for the version `target` of the language. */
export async function compile(compiler, project, { name, libraries, types }, [, resolution, extensions], target) {
  const files = extensions.map((extension) => `${name}.${extension}`);
  for (const file of files) if (file !== `${name}.ts`) copyFileSync(join(project, `${name}.ts`), join(project, file));
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    target,
    lib: [target, ...libraries],
    types,
    ...resolution,
  };
  const config = join(project, `tsconfig.${configs++}.json`);
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  await run("node", [join(compiler, "bin/tsc"), "--project", config], project);
}
