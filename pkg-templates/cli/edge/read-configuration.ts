// A program that prints wrangler's configuration of a project as JSON. It is a separate process, because wrangler ends its
// process at a signal.
import { createRequire } from "node:module";
import { join } from "node:path";

/** The used part of a configuration, for one environment. */
export interface WranglerConfiguration {
  readonly vars: Readonly<Record<string, unknown>>;
  /** Whether a deployment keeps the variables of Cloudflare's dashboard. */
  readonly keep_vars?: boolean;
  readonly routes?: readonly (string | { readonly pattern: string; readonly custom_domain?: boolean })[];
  readonly durable_objects: { readonly bindings: readonly { readonly name: string }[] };
}

/** The output of the program. */
export interface Reading {
  /** The names of the environments. */
  readonly environments: readonly string[];
  /** Absent if there is no such environment. */
  readonly configuration?: WranglerConfiguration;
}

interface Wrangler {
  unstable_readConfig(args: { config: string; env: string }, options: { hideWarnings: boolean }): WranglerConfiguration & { definedEnvironments?: readonly string[] };
}

const [project, file, env] = process.argv.slice(2) as [string, string, string];
try {
  const { unstable_readConfig: read } = createRequire(join(project, "package.json"))("wrangler") as Wrangler;
  const top = read({ config: join(project, file), env: "" }, { hideWarnings: true });
  const environments = top.definedEnvironments ?? [];
  const configuration = env === "" ? top : environments.includes(env) ? read({ config: join(project, file), env }, { hideWarnings: true }) : undefined;
  process.stdout.write(JSON.stringify({ environments, configuration } as Reading));
} catch (error) {
  process.stderr.write((error as Error).message);
  process.exitCode = 1;
}
