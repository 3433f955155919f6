// The programs of a folder that `edge init` writes: their paths and their versions.
import { existsSync, readFileSync } from "node:fs";
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

/** The versions of the runtime, the newest first. Each workerd is the one on which that wrangler depends. */
const RUNTIMES = [
  { node: "22.12", wrangler: "4.164.0", workerd: "1.20261117.1" },
  { node: "20.19", wrangler: "4.86.0", workerd: "1.20260426.1" },
];

/** A package.json. */
export interface Manifest {
  readonly private: true;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

/** Returns the package.json of a new project, with the newest runtime that this version of Node can run. */
export function manifest(nodeVersion: string): Manifest {
  const runtime = RUNTIMES.find(({ node }) => isAtLeast(nodeVersion, node)) ?? (RUNTIMES.at(-1) as (typeof RUNTIMES)[0]);
  const own = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { name: string; version: string };
  return {
    private: true,
    engines: { node: `>=${runtime.node}` },
    scripts: {
      dev: "walnut-webhooks edge dev",
      start: "walnut-webhooks edge start --variables edge.env",
      deploy: "walnut-webhooks edge deploy",
    },
    dependencies: { [own.name]: own.version, workerd: runtime.workerd, wrangler: runtime.wrangler },
    // None of them needs its install script. npm warns about a script that is neither allowed nor denied.
    allowScripts: { esbuild: false, sharp: false, workerd: false },
  };
}

function isAtLeast(version: string, least: string): boolean {
  const [[major, minor], [leastMajor, leastMinor]] = [version, least].map((text) => text.split(".").map(Number)) as [[number, number], [number, number]];
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
