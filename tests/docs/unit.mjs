// Runs the unit tests of a page. Each is first compiled with the modules of its page, as strictly as TypeScript can.
import { match } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../examples/support.mjs";
import { parse, read, root } from "./markdown.mjs";

/** Returns the function that runs a unit test in its own folder below `modules`. */
export const typedTest = (modules) => async (_, { page, line, code }) => {
  const folder = join(modules, `${page.replaceAll("/", "-")}-${line}`);
  mkdirSync(folder, { recursive: true });
  const write = (name, text) => writeFileSync(join(folder, name), text);
  write("package.json", JSON.stringify({ private: true, type: "module" }));
  write("snippet.test.ts", code);
  for (const { words, code } of parse(read(page)).blocks) if (words.startsWith("module ")) write(words.split(" ")[1], code);
  const options = ["--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "nodenext", "--types", "node"];
  await run([process.execPath, join(root, "node_modules/typescript/bin/tsc"), ...options, "snippet.test.ts"], folder);
  match(code, /^test\(/m);
  await run([process.execPath, "snippet.test.js"], folder, { NODE_TEST_CONTEXT: undefined });
};
