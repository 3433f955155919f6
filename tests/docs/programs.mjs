// Turns snippets into programs: a folder for them, a compiler, and a receiver that they can call.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { serve } from "../examples/support.mjs";
import { root } from "./markdown.mjs";

/** The folder of the snippets, where they find the package and every framework by its name. */
export const modules = join(root, "target/docs-tests/modules");
rmSync(modules, { recursive: true, force: true });
mkdirSync(modules, { recursive: true });
symlinkSync(join(root, "examples/node_modules"), join(modules, "node_modules"));

const pathOf = ({ page, line }, extension) => join(modules, `${page.replaceAll("/", "-")}-${line}${extension}`);

export function writeModule(block, code) {
  const path = pathOf(block, ".mjs");
  writeFileSync(path, code);
  return path;
}

/** The options of strict projects. NestJS needs the last two. */
const STRICT = [
  ...["--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--target", "es2023", "--module", "nodenext"],
  ...["--types", "node", "--experimentalDecorators", "--emitDecoratorMetadata"],
];

async function tsc(...args) {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  try {
    await promisify(execFile)(process.execPath, [compiler, ...STRICT, ...args], { cwd: modules });
  } catch (error) {
    throw new Error(`the code does not compile under --strict:\n${error.stdout}`, { cause: error });
  }
}

/** Compiles a snippet, after the declarations that the text around it implies, and returns the JavaScript. */
export async function compile(block, declarations = "") {
  const path = pathOf(block, ".mts");
  writeFileSync(path, [declarations, block.code].join("\n"));
  await tsc(path);
  return readFileSync(pathOf(block, ".mjs"), "utf8");
}

/** Compiles a file of the repository. */
export const compileFile = (path) => tsc("--noEmit", join(root, path));

/** Starts the example of Express. */
export const startExpress = (t, env = {}) =>
  serve(t, [process.execPath, "server.mjs"], { cwd: join(root, "examples/express"), env });
