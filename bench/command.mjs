// Runs `walnut-webhooks edge start` as its users do: as a process, in a folder where workerd is installed.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = join(import.meta.dirname, "..");
const main = join(root, "pkg-cli/main.js");

/** How many lines of standard error an error shows. */
const SHOWN_LINES = 20;

/**
 * Starts the command, at once: `started` resolves with its line of that name. `workerd()` is the process ID of its workerd,
 * `ended` resolves with its exit status, or with the signal that ended it, and `last()` is the last line of its log. If this
 * process exits first, both are killed.
 */
export function spawnCommand({ data, port, variables }) {
  const args = [main, "edge", "start", "--data", data, "--port", String(port)];
  const child = spawn(process.execPath, args, { cwd: root, env: { PATH: process.env.PATH, ...variables }, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close").then(([code, signal]) => signal ?? code);
  const errors = [];
  createInterface({ input: child.stderr }).on("line", (line) => errors.splice(0, errors.length, ...errors.slice(1 - SHOWN_LINES), line));
  let last;
  let isStarted = false;
  const started = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      last = line;
      // Later lines are not parsed, since a reader that falls behind would slow the edge down.
      if (isStarted) return;
      const entry = JSON.parse(line);
      isStarted = entry.event === "started";
      if (isStarted) resolve(entry);
    });
  });
  const failed = ended.then((how) => {
    throw new Error(`edge start has ended (${how}) before it had started: ${errors.join("\n")}`);
  });
  const workerd = () => Number(readFileSync(join(data, "workerd.pid"), "utf8"));
  process.once("exit", abandon);
  ended.then(() => process.off("exit", abandon));
  function abandon() {
    child.kill("SIGKILL");
    // There is no such file before workerd has started.
    if (existsSync(join(data, "workerd.pid"))) process.kill(workerd(), "SIGKILL");
  }
  return {
    pid: child.pid,
    workerd,
    kill: (signal) => child.kill(signal),
    started: Promise.race([started, failed]),
    last: () => last,
    ended,
  };
}
