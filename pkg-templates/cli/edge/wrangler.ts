// Runs wrangler, as it is installed in the project, and reads its configuration.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { Failure, INTERRUPTED, NOT_RUN } from "../failure.js";
import { didYouMean } from "../nearest.js";
import { plain } from "../terminal.js";
import { findWrangler } from "./project.js";
import type { Reading, WranglerConfiguration } from "./read-configuration.js";

/** In the order in which wrangler looks for them. */
const FILES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

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
export async function openWrangler(project: string, environment: string, signal: AbortSignal): Promise<Wrangler> {
  const file = FILES.find((name) => existsSync(join(project, name)));
  if (file === undefined) {
    throw new Failure("no_configuration", "this folder has no wrangler.jsonc: run the command in a folder that `walnut-webhooks edge init` has written", NOT_RUN);
  }
  const program = findWrangler(project);
  const configuration = await read(project, file, environment, signal);
  const run = (args: readonly string[], show: (line: string) => void) => wrangler(program, project, [...args, `--config=${file}`, `--env=${environment}`], show, signal);
  return {
    file,
    configuration,
    async secrets() {
      const ended = await run(["secret", "list", "--format=json"], () => {});
      if (ended.status !== 0 && isNotFound(problem(ended))) return undefined;
      // Warnings may precede the list.
      const list = /^\[[^]*\]$/m.exec(ended.printed)?.[0];
      if (ended.status !== 0 || list === undefined) throw failed("secret list", ended);
      return (JSON.parse(list) as { name: string }[]).map(({ name }) => name);
    },
    async deploy(flags, show) {
      const ended = await run(["deploy", ...flags], show);
      const deployed = ended.entries.find(({ type }) => type === "deploy");
      // wrangler's own starter exits with 0 if wrangler was killed.
      if (ended.status !== 0 || deployed === undefined) throw failed("deploy", ended);
      return deployed.targets ?? [];
    },
  };
}

async function read(project: string, file: string, environment: string, signal: AbortSignal): Promise<WranglerConfiguration> {
  const program = fileURLToPath(new URL("./read-configuration.js", import.meta.url));
  const child = spawn(process.execPath, [program, project, file, environment], { stdio: ["ignore", "pipe", "pipe"], signal });
  const [printed, problem] = await interruptible(signal, Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]));
  if (child.exitCode !== 0) throw new Failure("bad_configuration", `wrangler can't read ${file}: ${sentence(problem)}`, NOT_RUN);
  const { environments, configuration } = JSON.parse(printed) as Reading;
  if (configuration !== undefined) return configuration;
  const known = environments.length === 0 ? "It has no environments." : `It has ${environments.map(plain).join(", ")}.`;
  throw new Failure("unknown_environment", `${file} has no environment "${plain(environment)}". ${known}${didYouMean(environment, environments)}`, NOT_RUN);
}

/** The result of a run of wrangler. */
interface Ended {
  readonly status: number | string;
  readonly entries: readonly Entry[];
  readonly printed: string;
}

async function wrangler(program: string, cwd: string, args: readonly string[], show: (line: string) => void, signal: AbortSignal): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-"));
  const output = join(folder, "output.ndjson");
  let printed = "";
  try {
    const child = spawn(process.execPath, [program, ...args], {
      cwd,
      env: { ...process.env, WRANGLER_OUTPUT_FILE_PATH: output },
      stdio: ["ignore", "pipe", "pipe"],
      signal,
    });
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        printed += `${line}\n`;
        show(line);
      });
    }
    const [code, killed] = (await interruptible(signal, once(child, "close"))) as [number | null, string | null];
    const lines = existsSync(output) ? readFileSync(output, "utf8").trim().split("\n") : [];
    return { status: code ?? killed ?? "", entries: lines.map((line) => JSON.parse(line) as Entry), printed };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Waits for the end of a process that the signal kills. */
async function interruptible<T>(signal: AbortSignal, ended: Promise<T>): Promise<T> {
  try {
    const result = await ended;
    signal.throwIfAborted();
    return result;
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
    throw error;
  }
}

/** Returns wrangler's own message about its failure. */
function problem({ entries }: Ended): string {
  return entries.find(({ type }) => type === "command-failed")?.message ?? "it gave no reason";
}

function isNotFound(message: string): boolean {
  return /^Worker ".*" (?:\(env: .*\) )?not found\./.test(message);
}

function failed(command: string, ended: Ended): Failure {
  const message = problem(ended);
  if (/necessary to set a CLOUDFLARE_API_TOKEN|^Not logged in|wrangler login/.test(message)) {
    return new Failure("not_logged_in", "wrangler is not logged in to Cloudflare: run npx wrangler login, or set CLOUDFLARE_API_TOKEN", NOT_RUN);
  }
  // After such an error, wrangler asks Cloudflare for the user, and may then end with another error. The codes are Cloudflare's.
  const code = /\[code: (6003|9106|9109|10000|10001)\]/.exec(ended.printed)?.[1];
  if (code !== undefined) {
    return new Failure("not_logged_in", `Cloudflare does not accept the login: run npx wrangler login, or check CLOUDFLARE_API_TOKEN, which needs the permission to edit Workers scripts (error ${code})`, NOT_RUN);
  }
  return new Failure("wrangler_failed", `wrangler ${command} ended with status ${ended.status}: ${sentence(message)}`, NOT_RUN);
}

/** Puts a message of several lines on one line. */
function sentence(message: string): string {
  return plain(message.trim().replace(/\s+/g, " "));
}
