import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "../command.js";
import { CHECK_FAILED, Failure, INTERRUPTED, NOT_RUN, OK, reason, usage } from "../failure.js";
import { json, plain } from "../terminal.js";
import { dataFolder, remove } from "./folder.js";
import { findWorkerd } from "./project.js";
import { variables } from "./variables.js";
import { type Edge, startEdge } from "./workerd.js";

/** How long the requests in flight may take after a signal, in milliseconds. */
const GRACE_MS = 10_000;

/** How long the edge may take to answer `/healthz`, in milliseconds. */
const HEALTH_MS = 10_000;

/** The most bytes of the log that wait for its reader. */
const MOST_WAITING_BYTES = 1 << 20;

/** How long the reader may take to read the end of the log, in milliseconds. */
const FLUSH_MS = 1000;

/** The prefix of the name of the folder for the trial of the variables, in the data folder. */
const TRIAL = ".trial-";

export const edgeStart: Command = {
  summary: "run the edge in production on this machine",
  usage: "[--data DIR] [--variables FILE] [--port N] [--host ADDRESS]",
  about:
    "Runs the Worker in workerd, with its storage in DIR and its log on standard output, a JSON line for each decision. The " +
    "variables come from the environment and from FILE; the environment takes precedence. SIGTERM stops accepting, waits up to 10 s " +
    "for the requests in flight, and exits with 0.",
  positionals: 0,
  options: {
    data: { value: "DIR", help: "the folder of the storage; the default is ./data" },
    // Node itself reads a file that is named by --env-file, even after the program, and ends if there is none.
    variables: { value: "FILE", help: "a file of variables, one line NAME=VALUE for each" },
    port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8787" },
    host: { value: "ADDRESS", help: "the IP address to listen on; the default is 127.0.0.1, for a reverse proxy on this machine" },
  },
  examples: ["edge start --variables edge.env", "edge start --data /var/lib/walnut-webhooks --port 8080"],
  async run(args, interruption) {
    const folder = dataFolder(args.text("data")) ?? resolve("data");
    const port = args.whole("port", 8787, 0, 65_535);
    const host = args.text("host") ?? "127.0.0.1";
    if (isIP(host) === 0 && host !== "localhost") throw usage(`--host must be an IP address of this machine, or localhost, but is "${plain(host)}"`);
    const set = variables(args.text("variables"), process.env);
    const workerd = findWorkerd(process.cwd());
    const signal = interruption();
    // Only this user can read the files that workerd and this command write.
    process.umask(0o077);
    const edge = await startEdge({
      workerd, data: folder, owner: "start", host, port, variables: set, log, signal,
      // Only at the first start. Later, a mistake must not stop the edge: it accepts events, and holds them.
      prepare: async (data) => { if (isNew(data)) await check({ workerd, data, variables: set, signal }); },
    });
    try {
      json({ event: "started", url: edge.url, data: folder, health: await health(edge, signal) });
      const aborted = signal.aborted ? Promise.resolve() : once(signal, "abort");
      const ended = await Promise.race([edge.ended, aborted.then(() => undefined)]);
      if (ended !== undefined) {
        json({ event: "stopped", reason: ended });
        return CHECK_FAILED;
      }
      json({ event: "stopping" });
    } finally {
      await edge.stop(GRACE_MS);
    }
    reportDropped();
    json({ event: "stopped" });
    await flushed(OK);
    return OK;
  },
};

let dropped = 0;

/** Prints a line of workerd's log as JSON. If standard output is read too slowly, the line is dropped, and the edge runs on. */
function log(line: string): void {
  if (process.stdout.writableLength > MOST_WAITING_BYTES) {
    dropped++;
    return;
  }
  reportDropped();
  if (parsed(line) === undefined) json({ event: "runtime", text: line });
  else process.stdout.write(`${line}\n`);
}

function reportDropped(): void {
  if (dropped > 0) json({ event: "log_dropped", lines: dropped });
  dropped = 0;
}

/** Ends this process if the rest of the log is not read in time: Node.js would wait forever. */
async function flushed(status: number): Promise<void> {
  const written = new Promise<true>((resolve) => process.stdout.write("", () => resolve(true)));
  const isWritten = await Promise.race([written, sleep(FLUSH_MS, false, { ref: false })]);
  if (!isWritten) process.exit(status);
}

/** Returns the status of `/healthz`. */
async function health({ url }: Edge, signal: AbortSignal): Promise<number> {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(HEALTH_MS)]) })).status;
  } catch (error) {
    if (signal.aborted) throw new Failure("interrupted", "interrupted", INTERRUPTED);
    throw new Failure("not_started", `the edge does not answer at ${url}/healthz: ${reason((error as Error).cause ?? error)}`, NOT_RUN);
  }
}

/** Whether the edge has never stored anything in a data folder. workerd creates metadata.sqlite before the Worker runs. */
function isNew(data: string): boolean {
  const inbox = join(data, "inbox");
  return !existsSync(inbox) || !readdirSync(inbox, { recursive: true }).some((file) => /[\da-f]{64}\.sqlite$/.test(String(file)));
}

interface Trial {
  readonly workerd: string;
  readonly data: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/**
 * Runs the edge in a temporary folder, to check whether the variables have mistakes.
 *
 * @throws Failure `misconfigured`.
 */
async function check({ workerd, data, variables, signal }: Trial): Promise<void> {
  for (const leftover of readdirSync(data).filter((name) => name.startsWith(TRIAL))) remove(join(data, leftover));
  const folder = mkdtempSync(join(data, TRIAL));
  const mistakes = new Set<unknown>();
  const log = (line: string) => {
    const entry = parsed(line);
    if (entry?.event === "misconfigured") for (const mistake of entry.mistakes as unknown[]) mistakes.add(mistake);
  };
  let status: number;
  try {
    const edge = await startEdge({ workerd, data: folder, owner: "start", host: "127.0.0.1", port: 0, variables, log, signal });
    status = await health(edge, signal).finally(() => edge.stop(GRACE_MS));
  } finally {
    remove(folder);
  }
  if (status === 200) return;
  const list = [...mistakes].map((sentence) => `\n  - ${sentence}`);
  const cause = list.length > 0 ? `its variables have mistakes:${list.join("")}` : `it answers /healthz with ${status}`;
  throw new Failure("misconfigured", `the edge was not started, because ${cause}`, NOT_RUN);
}

/** Reads a line of the Worker's log; `undefined` if workerd itself wrote the line. */
function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
