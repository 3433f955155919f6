// Runs `walnut-webhooks edge start` as users do: as a process, in a folder where workerd is installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..");
const main = join(root, "pkg-cli/main.js");

/** How many lines of standard error an error shows. */
const SHOWN_LINES = 20;

/**
 * Starts the command, and returns at once. `started` resolves with the line `started` of the log; from then on, `workerd()` is
 * the process ID of workerd. `ended` resolves with the exit status, or with the signal that ended the command. `last()` is the
 * last line of the log. If this process exits first, it kills both.
 */
export function spawnCommand({ data, port, variables }) {
  const args = [main, "edge", "start", "--data", data, "--port", String(port)];
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close").then(([code, signal]) => signal ?? code);
  const errors = [];
  createInterface({ input: child.stderr }).on("line", (line) => {
    errors.push(line);
    errors.splice(0, errors.length - SHOWN_LINES);
  });
  let last;
  /** The process ID of workerd, once it has started. */
  let workerd;
  const started = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = line;
      // Later lines are not parsed, because a reader that falls behind would slow the edge down.
      if (workerd !== undefined) return;
      const entry = JSON.parse(line);
      if (entry.event !== "started") return;
      workerd = Number(readFileSync(join(data, "workerd.pid"), "utf8"));
      resolve(entry);
    });
  });
  const failed = ended.then((how) => {
    throw new Error(`edge start has ended (${how}) before its start was complete: ${errors.join("\n")}`);
  });
  const abandon = () => {
    child.kill("SIGKILL");
    if (workerd !== undefined) process.kill(workerd, "SIGKILL");
  };
  process.once("exit", abandon);
  ended.then(() => process.off("exit", abandon));
  return {
    pid: child.pid,
    workerd: () => workerd,
    kill: (signal) => child.kill(signal),
    started: Promise.race([started, failed]),
    last: () => last,
    ended,
  };
}
