import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "../command.js";
import { CHECK_FAILED, OK, usage } from "../failure.js";
import { json, plain } from "../terminal.js";
import { dataFolder, remove } from "./folder.js";
import { findWorkerd } from "./project.js";
import { healthStatus, tryVariables } from "./trial.js";
import { variables } from "./variables.js";
import { startEdge } from "./workerd.js";

/** How long the requests in flight may take after a signal, in milliseconds. */
const GRACE_MS = 10_000;

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
      prepare: async (data) => {
        if (!isNew(data)) return;
        for (const leftover of readdirSync(data).filter((name) => name.startsWith(TRIAL))) remove(join(data, leftover));
        await tryVariables({ workerd, prefix: join(data, TRIAL), variables: set, signal, prevented: "the edge was not started" });
      },
    });
    try {
      print({ event: "started", url: edge.url, data: folder, health: await healthStatus(edge, signal) });
      const aborted = signal.aborted ? Promise.resolve() : once(signal, "abort");
      const ended = await Promise.race([edge.ended, aborted.then(() => undefined)]);
      if (ended !== undefined) {
        print({ event: "stopped", reason: ended });
        return CHECK_FAILED;
      }
      print({ event: "stopping" });
    } finally {
      await edge.stop(GRACE_MS);
    }
    reportDropped();
    print({ event: "stopped" });
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
  const entry = parsed(line);
  if (entry === undefined) print({ event: "runtime", text: line });
  else if ("time" in entry) process.stdout.write(`${line}\n`);
  // Inserting the member costs less than serializing the line again.
  else process.stdout.write(`{"time":"${new Date().toISOString()}",${line.slice(1)}\n`);
}

/** Prints a line of this command, with its time. */
function print(entry: Readonly<Record<string, unknown>>): void {
  json({ time: new Date().toISOString(), ...entry });
}

function reportDropped(): void {
  if (dropped > 0) print({ event: "log_dropped", lines: dropped });
  dropped = 0;
}

/** Ends this process if the rest of the log is not read in time: Node.js would wait forever. */
async function flushed(status: number): Promise<void> {
  const written = new Promise<true>((resolve) => process.stdout.write("", () => resolve(true)));
  const isWritten = await Promise.race([written, sleep(FLUSH_MS, false, { ref: false })]);
  if (!isWritten) process.exit(status);
}

/** Whether the edge has never stored anything in a data folder. workerd creates metadata.sqlite before the Worker runs. */
function isNew(data: string): boolean {
  const inbox = join(data, "inbox");
  return !existsSync(inbox) || !readdirSync(inbox, { recursive: true }).some((file) => /[\da-f]{64}\.sqlite$/.test(String(file)));
}

/** Reads a line of the Worker's log, an object with members; `undefined` if workerd itself wrote the line. */
function parsed(line: string): object | undefined {
  if (!line.startsWith('{"')) return undefined;
  try {
    return JSON.parse(line) as object;
  } catch {
    return undefined;
  }
}
