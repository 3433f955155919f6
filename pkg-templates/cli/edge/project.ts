// The folder that `edge init` writes: what is installed there, and which versions.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Failure, NOT_RUN } from "../failure.js";

/** Returns the path of workerd's executable, as it is installed in a project. */
export function findWorkerd(project: string): string {
  const require = createRequire(join(project, "package.json"));
  try {
    const { default: path } = require("workerd") as { default: string };
    if (existsSync(path)) return path;
  } catch {
    // It is not installed, or not for this platform.
  }
  throw new Failure("no_workerd", `workerd is not installed in ${project}: ${INSTALL}`, NOT_RUN);
}

/** Returns the path of wrangler's command, as it is installed in a project. */
export function findWrangler(project: string): string {
  const require = createRequire(join(project, "package.json"));
  try {
    return join(require.resolve("wrangler/package.json"), "../bin/wrangler.js");
  } catch {
    throw new Failure("no_wrangler", `wrangler is not installed in ${project}: ${INSTALL}`, NOT_RUN);
  }
}

const INSTALL = "run npm install in a folder that `walnut-webhooks edge init` has written";
