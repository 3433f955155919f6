import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "../command.js";
import { CHECK_FAILED, Failure, NOT_RUN, OK } from "../failure.js";
import { json } from "../terminal.js";
import { findWorkerd } from "./project.js";
import { variables } from "./variables.js";
import { startEdge } from "./workerd.js";

/** How long the requests in flight may take after a signal, in milliseconds. */
const GRACE_MS = 10_000;

export const edgeStart: Command = {
  summary: "run the edge on this machine, for good",
  usage: "[--data DIR] [--env-file FILE] [--port N] [--host ADDRESS]",
  about:
    "Runs the Worker in workerd, with its storage in DIR and its log on standard output, a JSON line for each decision. The " +
    "variables come from the environment and from FILE; the environment takes precedence. SIGTERM stops accepting, waits up to 10 s " +
    "for the requests in flight, and exits with 0.",
  positionals: 0,
  options: {
    data: { value: "DIR", help: "the folder of the storage; the default is ./data" },
    "env-file": { value: "FILE", help: "a file of variables, a line NAME=VALUE each" },
    port: { value: "N", help: "the port to listen on, 0 for any free port; the default is 8787" },
    host: { value: "ADDRESS", help: "the address to listen on; the default is 127.0.0.1, for a reverse proxy on this machine" },
  },
  examples: ["edge start --env-file edge.env", "edge start --data /var/lib/walnut-webhooks --port 8080"],
  async run(args, interruption) {
    const data = resolve(args.text("data") ?? "data");
    const port = args.whole("port", 8787, 0, 65_535);
    const host = args.text("host") ?? "127.0.0.1";
    const set = variables(args.text("env-file"), process.env);
    const workerd = findWorkerd(process.cwd());
    const signal = interruption();
    // Later, a mistake must not stop the edge: it accepts events, and holds them.
    if (!existsSync(join(data, "inbox"))) await check(workerd, set);
    const log = (line: string) => (parsed(line) === undefined ? json({ event: "runtime", text: line }) : process.stdout.write(`${line}\n`));
    const edge = await startEdge({ workerd, data, host, port, variables: set, log });
    const { status } = await fetch(`${edge.url}/healthz`);
    json({ event: "started", url: edge.url, data, health: status });
    const aborted = signal.aborted ? Promise.resolve() : once(signal, "abort");
    const ended = await Promise.race([edge.ended, aborted.then(() => undefined)]);
    if (ended !== undefined) {
      json({ event: "stopped", reason: ended });
      return CHECK_FAILED;
    }
    json({ event: "stopping" });
    await edge.stop(GRACE_MS);
    json({ event: "stopped" });
    return OK;
  },
};

/**
 * Runs the edge in a folder of its own, to see whether the variables have mistakes.
 *
 * @throws Failure `misconfigured`.
 */
async function check(workerd: string, set: Record<string, string>): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), "walnut-webhooks-"));
  const mistakes: unknown[] = [];
  const log = (line: string) => {
    const entry = parsed(line);
    if (entry?.event === "misconfigured") mistakes.push(...(entry.mistakes as unknown[]));
  };
  try {
    const edge = await startEdge({ workerd, data, host: "127.0.0.1", port: 0, variables: set, log });
    const { ok } = await fetch(`${edge.url}/healthz`);
    await edge.stop(GRACE_MS);
    if (ok) return;
  } finally {
    rmSync(data, { recursive: true });
  }
  const unique = [...new Set(mistakes)].map((sentence) => `\n  - ${sentence}`);
  throw new Failure("misconfigured", `the edge was not started, because its variables have mistakes:${unique.join("")}`, NOT_RUN);
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
