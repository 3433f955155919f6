// Runs the prebuilt Worker in workerd, the runtime of Cloudflare Workers, with its storage in a folder.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { Failure, INTERRUPTED, NOT_RUN, reason } from "../failure.js";
import { plain } from "../terminal.js";
import { configuration, environment } from "./configuration.js";
import { CONTROL, drain, post } from "./control.js";
import { checkOwner, openFolder, type Owner, write } from "./folder.js";
import { lock, socketPath } from "./lock.js";
import { CONFIGURATION, endOrphan, PID } from "./orphan.js";

/** The prebuilt Worker: `index.js` and `core_bg.wasm`, as they are deployed, and `machine.js`. */
const WORKER = fileURLToPath(new URL("../worker/", import.meta.url));

/** How often the cron trigger runs, in milliseconds: as in the wrangler configuration. */
const CRON_MS = 5 * 60_000;

/** How long workerd may take to start, in milliseconds. */
const START_MS = 60_000;

/** How long to read the rest of workerd's log after its end, in milliseconds. */
const LAST_LINES_MS = 1000;

export interface EdgeOptions {
  /** The path of workerd's executable. */
  readonly workerd: string;
  /** The folder for the storage. It is created if it does not exist. */
  readonly data: string;
  /** The command that the folder belongs to. */
  readonly owner: Owner;
  readonly host: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly variables: Readonly<Record<string, string>>;
  /** Receives each line of the log. */
  log(line: string): void;
  /** Runs when the folder is locked, before workerd starts, with its path. If it throws, workerd does not start. */
  prepare?(data: string): Promise<void>;
  /** Whether the edge is not meant to run on, so that its cron trigger, which wakes each shard, does not run at the start. */
  readonly isTrial?: boolean;
  /** Aborts the start. */
  readonly signal?: AbortSignal;
}

export interface Edge {
  /** Such as `http://127.0.0.1:8787`. */
  readonly url: string;
  /** The process of workerd. */
  readonly pid: number;
  /** Resolves when workerd has ended, with the cause of its end, such as `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Runs the cron trigger now. */
  cron(): Promise<void>;
  /** Stops accepting requests, waits for the requests in flight, at most `graceMs`, and ends workerd. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts an edge. Its cron trigger runs at once, and then every 5 minutes. If it throws, no process and no lock is left.
 *
 * @throws Failure `in_use` if another process uses the folder, `unwritable` if the folder can't be written,
 * `cannot_listen` if the port is in use, and `not_started` for any other reason.
 */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  if (process.platform === "win32") throw new Failure("unsupported", "the edge runs on Linux and macOS only: on Windows, use WSL", NOT_RUN);
  const data = openFolder(options.data);
  const unlock = await lock(data);
  try {
    const claim = checkOwner(data, options.owner);
    await endOrphan(data);
    await options.prepare?.(data);
    claim();
    const edge = await run({ ...options, data });
    const ended = edge.ended.finally(unlock);
    return { ...edge, ended, stop: async (graceMs) => void (await Promise.all([edge.stop(graceMs), ended])) };
  } catch (error) {
    await unlock();
    throw error;
  }
}

/** Runs workerd in a locked folder. */
async function run({ workerd, data, host, port, variables: set, log, isTrial = false, signal }: EdgeOptions): Promise<Edge> {
  const variables = withoutJurisdiction(set);
  const control = join(data, CONTROL);
  socketPath(control);
  const config = join(data, CONFIGURATION);
  write(data, () => {
    mkdirSync(join(data, "inbox"), { recursive: true });
    rmSync(control, { force: true });
    rmSync(join(data, PID), { force: true });
    writeFileSync(config, configuration({ host, port, variables }), { mode: 0o600 });
  });
  const child = spawn(workerd, ["serve", config, `--import-path=${WORKER}`, "--control-fd=3"], {
    cwd: data,
    env: { ...certificates(), ...environment(variables) },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    // Ctrl-C in a terminal signals the whole process group: workerd would end before its requests.
    detached: true,
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  const [stdout, stderr, messages] = child.stdio.slice(1) as [Readable, Readable, Readable];
  const early: string[] = [];
  let isStarted = false;
  const relayed = Promise.all(
    [stdout, stderr].map(async (stream) => {
      for await (const line of createInterface({ input: stream })) {
        if (isStarted) log(line);
        else early.push(line);
      }
    }),
  );
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(reason(error)));
    child.once("exit", (code, signal) => resolve(signal === null ? `status ${code}` : `signal ${signal}`));
  }).then(async (cause) => {
    process.removeListener("exit", kill);
    await Promise.race([relayed, new Promise((resolve) => setTimeout(resolve, LAST_LINES_MS))]);
    return cause;
  });

  try {
    if (child.pid !== undefined) write(data, () => writeFileSync(join(data, PID), `${child.pid}\n`));
    const first = await Promise.race([listening(messages), ended, startAborted(signal)]);
    if (typeof first === "string") throw notStarted(first, early, host, port);
    isStarted = true;
    for (const line of early) log(line);
    const cron = () => post(control, "/cron");
    let isStopping = false;
    const trigger = async () => {
      try {
        await cron();
      } catch (error) {
        if (!isStopping) log(JSON.stringify({ event: "cron_failed", reason: reason(error) }));
      }
    };
    const timer = setInterval(trigger, CRON_MS);
    void ended.then(() => clearInterval(timer));
    if (!isTrial) void trigger();
    return {
      url: `http://${host.includes(":") ? `[${host}]` : host}:${first}`,
      pid: child.pid as number,
      ended,
      cron,
      async stop(graceMs) {
        isStopping = true;
        clearInterval(timer);
        await drain(control, (signal) => void child.kill(signal), ended, graceMs);
      },
    };
  } catch (error) {
    kill();
    await ended;
    throw error;
  }
}

/** The values of JURISDICTION, as in worker/src/config/reader.rs. */
const JURISDICTIONS = ["eu", "fedramp"];

/** workerd has no jurisdictions, and can't run an edge that asks for one. A mistake stays, so that the Worker reports it. */
function withoutJurisdiction(variables: EdgeOptions["variables"]): EdgeOptions["variables"] {
  return Object.fromEntries(Object.entries(variables).filter(([name, value]) => name !== "JURISDICTION" || !JURISDICTIONS.includes(value)));
}

/** Rejects when the signal is aborted, or workerd takes too long to start. */
async function startAborted(signal: AbortSignal | undefined): Promise<never> {
  const limit = AbortSignal.timeout(START_MS);
  const all = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  if (!all.aborted) await once(all, "abort");
  if (signal?.aborted === true) throw new Failure("interrupted", "interrupted", INTERRUPTED);
  throw new Failure("not_started", `workerd did not start within ${START_MS / 1000} s`, NOT_RUN);
}

/** Resolves with the port once workerd listens on it and on the control socket. */
function listening(messages: Readable): Promise<number> {
  return new Promise((resolve) => {
    const ports = new Map<string, number>();
    createInterface({ input: messages }).on("line", (line) => {
      const message = JSON.parse(line) as { event: string; socket: string; port: number };
      if (message.event === "listen") ports.set(message.socket, message.port);
      if (ports.size === 2) resolve(ports.get("http") as number);
    });
  });
}

/** The variables with the location of the certificate authorities' certificates, if they are set. */
function certificates(): NodeJS.ProcessEnv {
  const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
  return { ...(SSL_CERT_FILE !== undefined && { SSL_CERT_FILE }), ...(SSL_CERT_DIR !== undefined && { SSL_CERT_DIR }) };
}

/** The beginnings of workerd's messages about an address that it can't listen on. */
const LISTEN_PROBLEMS = {
  "Address already in use": "the port is in use. Use another --port, or --port 0 for any free port",
  "Permission denied": "permission denied. Use a --port from 1024",
  "Cannot assign requested address": "the address does not belong to this machine. Use another --host",
  "Can't assign requested address": "the address does not belong to this machine. Use another --host",
};

function notStarted(cause: string, lines: readonly string[], host: string, port: number): Failure {
  const message = lines.find((line) => !line.startsWith("stack:")) ?? "it wrote nothing";
  const problem = Object.entries(LISTEN_PROBLEMS).find(([text]) => /::bind\(|::listen\(/.test(message) && message.includes(text))?.[1];
  if (problem === undefined) return new Failure("not_started", `workerd did not start (${cause}): ${plain(message)}`, NOT_RUN);
  return new Failure("cannot_listen", `can't listen on port ${port} of ${host}: ${problem}`, NOT_RUN);
}
