import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import type { Command } from "../command.js";
import { CHECK_FAILED, Failure, NOT_RUN, OK, reason, usage } from "../failure.js";
import { json, plain } from "../terminal.js";
import { findWorkerd } from "./project.js";
import { variables } from "./variables.js";
import { type Edge, startEdge } from "./workerd.js";

/** How long the requests in flight may take after a signal, in milliseconds. */
const GRACE_MS = 10_000;

export const edgeStart: Command = {
  summary: "run the edge on this machine, for good",
  usage: "[--data DIR] [--variables FILE] [--port N] [--host ADDRESS]",
  about:
    "Runs the Worker in workerd, with its storage in DIR and its log on standard output, a JSON line for each decision. The " +
    "variables come from the environment and from FILE; the environment takes precedence. SIGTERM stops accepting, waits up to 10 s " +
    "for the requests in flight, and exits with 0.",
  positionals: 0,
  options: {
    data: { value: "DIR", help: "the folder of the storage; the default is ./data" },
    // Node itself reads a file that is named by --env-file, even after the program, and ends if there is none.
    variables: { value: "FILE", help: "a file of variables, a line NAME=VALUE each" },
    port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8787" },
    host: { value: "ADDRESS", help: "the IP address to listen on; the default is 127.0.0.1, for a reverse proxy on this machine" },
  },
  examples: ["edge start --variables edge.env", "edge start --data /var/lib/walnut-webhooks --port 8080"],
  async run(args, interruption) {
    const data = resolve(args.text("data") ?? "data");
    const port = args.whole("port", 8787, 0, 65_535);
    const host = args.text("host") ?? "127.0.0.1";
    if (isIP(host) === 0 && host !== "localhost") throw usage(`--host must be an IP address of this machine, or localhost, but is "${plain(host)}"`);
    const set = variables(args.text("variables"), process.env);
    const workerd = findWorkerd(process.cwd());
    const signal = interruption();
    const edge = await startEdge({
      workerd, data, host, port, variables: set, log,
      // Later, a mistake must not stop the edge: it accepts events, and holds them.
      prepare: async () => { if (isNew(data)) await check(workerd, join(data, "check"), set); },
    });
    try {
      json({ event: "started", url: edge.url, data, health: await health(edge) });
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
    json({ event: "stopped" });
    return OK;
  },
};

/** Prints a line of workerd's log as JSON. If standard output is read slowly, the promise resolves once it was read. */
async function log(line: string): Promise<void> {
  const text = parsed(line) === undefined ? JSON.stringify({ event: "runtime", text: line }) : line;
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, "drain");
}

/** Returns the status of `/healthz`. */
async function health({ url }: Edge): Promise<number> {
  try {
    return (await fetch(`${url}/healthz`)).status;
  } catch (error) {
    throw new Failure("not_started", `the edge does not answer at ${url}/healthz: ${reason((error as Error).cause ?? error)}`, NOT_RUN);
  }
}

/** Whether nothing was ever stored in a data folder. workerd creates metadata.sqlite before the Worker runs. */
function isNew(data: string): boolean {
  const inbox = join(data, "inbox");
  return !existsSync(inbox) || !readdirSync(inbox, { recursive: true }).some((file) => /[\da-f]{64}\.sqlite$/.test(String(file)));
}

/**
 * Runs the edge in a folder of its own, to see whether the variables have mistakes.
 *
 * @throws Failure `misconfigured`.
 */
async function check(workerd: string, data: string, set: Record<string, string>): Promise<void> {
  const mistakes = new Set<unknown>();
  const log = (line: string) => {
    const entry = parsed(line);
    if (entry?.event === "misconfigured") for (const mistake of entry.mistakes as unknown[]) mistakes.add(mistake);
  };
  try {
    const edge = await startEdge({ workerd, data, host: "127.0.0.1", port: 0, variables: set, log });
    const status = await health(edge).finally(() => edge.stop(GRACE_MS));
    if (status === 200) return;
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
  const list = [...mistakes].map((sentence) => `\n  - ${sentence}`);
  throw new Failure("misconfigured", `the edge was not started, because its variables have mistakes:${list.join("")}`, NOT_RUN);
}

/** Reads a line of the Worker's log; `undefined` if it is of workerd itself. */
function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
