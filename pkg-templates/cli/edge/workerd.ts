// Runs the prebuilt Worker in workerd, the runtime of Cloudflare Workers, with its storage in a folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Failure, NOT_RUN, reason } from "../failure.js";
import { configuration } from "./configuration.js";
import { lock, socketPath } from "./lock.js";

/** The prebuilt Worker: `index.js` and `core_bg.wasm`, as they are deployed, and `machine.js`. */
const WORKER = fileURLToPath(new URL("../worker/", import.meta.url));

/** How often the cron trigger runs, in milliseconds: as in the wrangler configuration. */
const CRON_MS = 5 * 60_000;

export interface EdgeOptions {
  /** The path of workerd's executable. */
  readonly workerd: string;
  /** The folder for the storage. It is created if it does not exist. */
  readonly data: string;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Receives each line of the log. */
  log(line: string): void;
}

export interface Edge {
  /** Such as `http://127.0.0.1:8787`. */
  readonly url: string;
  /** The process of workerd. */
  readonly pid: number;
  /** Resolves when workerd has ended, with how it ended, such as `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Runs the cron trigger now. */
  cron(): Promise<void>;
  /** Stops accepting, waits until the requests in flight have ended, at most so many milliseconds, and ends workerd. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts an edge, and its cron trigger, at once and then every 5 minutes.
 *
 * @throws Failure `in_use` if another process uses the folder, `unwritable` if the folder can't be written,
 * `cannot_listen` if the port is taken, and `not_started` for any other reason.
 */
export async function startEdge({ workerd, data, host, port, variables, log }: EdgeOptions): Promise<Edge> {
  if (process.platform === "win32") throw new Failure("unsupported", "the edge runs on Linux and macOS only: on Windows, use WSL", NOT_RUN);
  const unlock = await lock(data);
  const config = join(data, "workerd.capnp");
  const control = join(data, "control.sock");
  try {
    mkdirSync(join(data, "inbox"), { recursive: true });
    rmSync(control, { force: true });
    writeFileSync(config, configuration({ host, port, variables }), { mode: 0o600 });
  } catch (error) {
    await unlock();
    throw new Failure("unwritable", `the folder ${data} can't be written: ${reason(error)}`, NOT_RUN);
  }
  const child = spawn(workerd, ["serve", config, `--import-path=${WORKER}`, "--control-fd=3"], {
    cwd: data,
    env: { ...certificates(), ...variables },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    // Ctrl-C in a terminal signals the whole process group: workerd would end before its requests.
    detached: true,
  });
  let isStarted = false;
  const early: string[] = [];
  const [stdout, stderr, messages] = child.stdio.slice(1) as [Readable, Readable, Readable];
  for (const stream of [stdout, stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      if (!isStarted) early.push(line);
      log(line);
    });
  }
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(reason(error)));
    child.once("close", (code, signal) => resolve(signal === null ? `status ${code}` : `signal ${signal}`));
  }).then(async (how) => {
    process.removeListener("exit", end);
    await unlock();
    return how;
  });
  if (child.pid !== undefined) writeFileSync(join(data, "workerd.pid"), `${child.pid}\n`);

  const listening = new Promise<number>((resolve) => {
    const ports = new Map<string, number>();
    createInterface({ input: messages }).on("line", (line) => {
      const message = JSON.parse(line) as { event: string; socket: string; port: number };
      if (message.event === "listen") ports.set(message.socket, message.port);
      if (ports.size === 2) resolve(ports.get("http") as number);
    });
  });
  const first = await Promise.race([listening, ended]);
  if (typeof first === "string") throw notStarted(first, early, host, port);
  isStarted = true;

  const cron = () => post(socketPath(control), "/cron");
  const timer = setInterval(() => cron().catch((error) => log(JSON.stringify({ event: "cron_failed", reason: reason(error) }))), CRON_MS);
  void ended.then(() => clearInterval(timer));
  await cron();
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${first}`,
    pid: child.pid as number,
    ended,
    cron,
    async stop(graceMs) {
      clearInterval(timer);
      const kill = setTimeout(end, graceMs);
      // This request ends when nothing is in flight. workerd accepts nothing after SIGTERM, and ends after its last request.
      await post(socketPath(control), "/stop").catch(() => {});
      child.kill("SIGTERM");
      await ended;
      clearTimeout(kill);
    },
  };
}

/** Where the certificates of certificate authorities are, if the environment says so. */
function certificates(): NodeJS.ProcessEnv {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  return { ...(SSL_CERT_FILE !== undefined && { SSL_CERT_FILE }), ...(SSL_CERT_DIR !== undefined && { SSL_CERT_DIR }) };
}

function notStarted(how: string, lines: readonly string[], host: string, port: number): Failure {
  const text = lines.join("\n");
  const cause = /Address already in use|Permission denied|Cannot assign requested address/i.exec(text)?.[0];
  if (cause === undefined) return new Failure("not_started", `workerd did not start (${how}): ${lines.at(-1) ?? "it wrote nothing"}`, NOT_RUN);
  const other = cause.toLowerCase().startsWith("address") ? "the port is in use" : cause.toLowerCase();
  return new Failure("cannot_listen", `can't listen on port ${port} of ${host}: ${other}. Use another port, or --port 0 for any free port`, NOT_RUN);
}

/** Posts to the entrypoint `machine` of the Worker, and resolves with the beginning of the response. */
async function post(socketPath: string, path: string): Promise<void> {
  const sent = request({ socketPath, path, method: "POST", headers: { host: "machine" } });
  sent.end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  // workerd may end before the response does.
  response.on("error", () => {}).resume();
  if (response.statusCode !== 200) throw new Failure("cron_failed", `the Worker answered ${response.statusCode}`, NOT_RUN);
}
