// Runs wrangler, as it is installed in the project, and reads its configuration.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Failure, INTERRUPTED, NOT_RUN } from "../failure.js";
import { didYouMean } from "../nearest.js";
import { plain } from "../terminal.js";
import { findWrangler } from "./project.js";

/** In the order in which wrangler looks for them. */
const FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** The part of a configuration that is needed here, for one environment. */
export interface WranglerConfiguration {
  readonly name?: string;
  readonly vars: Readonly<Record<string, unknown>>;
  readonly routes?: readonly (string | { readonly pattern: string; readonly custom_domain?: boolean })[];
  readonly durable_objects: { readonly bindings: readonly { readonly name: string }[] };
}

/** An entry of wrangler's output file. */
interface Entry {
  readonly type: string;
  readonly code?: number;
  readonly message?: string;
  readonly targets?: readonly string[];
}

export interface Wrangler {
  /** The file of the configuration. */
  readonly file: string;
  readonly configuration: WranglerConfiguration;
  /** Returns the names of the secrets, or `undefined` if the Worker does not exist yet. */
  secrets(): Promise<string[] | undefined>;
  /** Deploys the Worker, passes each line of output to `show`, and returns the addresses and schedules of the Worker. */
  deploy(flags: readonly string[], show: (line: string) => void): Promise<readonly string[]>;
}

/**
 * Finds wrangler and its configuration in a project.
 *
 * @param environment - One of the configuration's environments; empty is the top level.
 * @throws Failure `no_configuration`, `no_wrangler`, `bad_configuration` or `unknown_environment`.
 */
export function openWrangler(project: string, environment: string, signal: AbortSignal): Wrangler {
  const file = FILES.find((name) => existsSync(join(project, name)));
  if (file === undefined) {
    throw new Failure("no_configuration", "there is no wrangler.jsonc in this folder: run the command in a folder that `walnut-webhooks edge init` has written", NOT_RUN);
  }
  const program = findWrangler(project);
  const configuration = read(project, file, environment);
  const run = (args: readonly string[], show: (line: string) => void) => wrangler(program, project, [...args, `--config=${file}`, `--env=${environment}`], show, signal);
  return {
    file,
    configuration,
    async secrets() {
      let printed = "";
      const { status, entries } = await run(["secret", "list", "--format=json"], (line) => (printed += `${line}\n`));
      const problem = failure(entries);
      if (problem !== undefined && isNotFound(problem)) return undefined;
      if (status !== 0) throw failed("secret list", status, problem);
      // Warnings may precede the list.
      const list = /^\[[^]*\]$/m.exec(printed)?.[0];
      if (list === undefined) throw failed("secret list", status, { type: "", message: "it did not print a list" });
      return (JSON.parse(list) as { name: string }[]).map(({ name }) => name);
    },
    async deploy(flags, show) {
      const { status, entries } = await run(["deploy", ...flags], show);
      const deployed = entries.find(({ type }) => type === "deploy");
      // wrangler's own starter exits with 0 if wrangler was killed.
      if (status !== 0 || deployed === undefined) throw failed("deploy", status, failure(entries));
      return deployed.targets ?? [];
    },
  };
}

function read(project: string, file: string, environment: string): WranglerConfiguration {
  type Read = (args: object, options: object) => WranglerConfiguration & { definedEnvironments?: readonly string[] };
  const { unstable_readConfig: readConfig } = createRequire(join(project, "package.json"))("wrangler") as { unstable_readConfig: Read };
  const configuration = (env: string) => {
    try {
      return readConfig({ config: join(project, file), env }, { hideWarnings: true });
    } catch (error) {
      throw new Failure("bad_configuration", `wrangler can't read ${file}: ${sentence((error as Error).message)}`, NOT_RUN);
    }
  };
  if (environment === "") return configuration("");
  const environments = configuration("").definedEnvironments ?? [];
  if (environments.includes(environment)) return configuration(environment);
  const known = environments.length === 0 ? "It has no environments." : `It has ${environments.map(plain).join(", ")}.`;
  throw new Failure("unknown_environment", `${file} has no environment "${plain(environment)}". ${known}${didYouMean(environment, environments)}`, NOT_RUN);
}

async function wrangler(program: string, cwd: string, args: readonly string[], show: (line: string) => void, signal: AbortSignal) {
  const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-"));
  const output = join(folder, "output.ndjson");
  try {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...process.env, WRANGLER_OUTPUT_FILE_PATH: output },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    for (const input of [child.stdout, child.stderr]) createInterface({ input }).on("line", show);
    const [code, killed] = (await once(child, "close")) as [number | null, string | null];
    signal.throwIfAborted();
    const lines = existsSync(output) ? readFileSync(output, "utf8").trim().split("\n") : [];
    return { status: code ?? killed ?? "", entries: lines.map((line) => JSON.parse(line) as Entry) };
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function failure(entries: readonly Entry[]): Entry | undefined {
  return entries.find(({ type }) => type === "command-failed");
}

function isNotFound({ message = "" }: Entry): boolean {
  return /^Worker ".*" (?:\(env: .*\) )?not found\./.test(message);
}

/** Cloudflare's error codes of a token that it does not accept. */
const AUTHENTICATION = [6003, 9106, 9109, 10_000, 10_001];

function failed(command: string, status: number | string, { code, message = "it did not say why" }: Partial<Entry> = {}): Failure {
  if (code !== undefined && AUTHENTICATION.includes(code)) {
    return new Failure("not_logged_in", `Cloudflare does not accept the login: run npx wrangler login, or check CLOUDFLARE_API_TOKEN and its permission "Workers Scripts: Edit" (error ${code})`, NOT_RUN);
  }
  if (/necessary to set a CLOUDFLARE_API_TOKEN|^Not logged in|wrangler login/.test(message)) {
    return new Failure("not_logged_in", "wrangler is not logged in to Cloudflare: run npx wrangler login, or set CLOUDFLARE_API_TOKEN", NOT_RUN);
  }
  return new Failure("wrangler_failed", `wrangler ${command} ended with status ${status}: ${sentence(message)}`, NOT_RUN);
}

/** A message of several lines, as one. */
function sentence(message: string): string {
  return plain(message.trim().replace(/\s+/g, " "));
}
