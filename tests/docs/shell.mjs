// Runs the commands of a page as a reader does: one after the other, in one shell, in a new folder.
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "./markdown.mjs";

/** A folder below the repository, where `npx` and `import` find the built packages. It is deleted after the test. */
export function scratch(t) {
  const folder = join(root, "target/docs-tests");
  mkdirSync(folder, { recursive: true });
  const path = mkdtempSync(join(folder, "run-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The commands of a block. A command can have several lines. */
export const commands = (code) =>
  code.replaceAll(/\\\n\s*/g, "").split("\n").filter((line) => line.trim() !== "");

function withExamples(folder) {
  symlinkSync(join(root, "examples"), join(folder, "examples"));
  return folder;
}

/**
 * Starts a shell, in a new folder below the repository or in `cwd`. The shell and its child processes end with the test.
 * `run` runs a command, and resolves to its exit status and its output. `serve` starts a command in the background, and waits
 * until the output matches a pattern. `until` waits in the same way for the running command.
 */
export function shell(t, env = {}, cwd = withExamples(scratch(t))) {
  const child = spawn("bash", [], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: "1", ...env },
    detached: true,
  });
  t.after(async () => {
    // SIGKILL would leave the runtime of an edge behind. `close` is emitted once no child process can write anymore.
    const closed = child.exitCode === null && child.signalCode === null ? once(child, "close") : undefined;
    process.kill(-child.pid, "SIGTERM");
    await closed;
  });
  const changes = new EventEmitter();
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      printed += text;
      changes.emit("change");
    });
  }
  const until = async (pattern) => {
    for (;;) {
      const found = pattern.exec(printed);
      if (found !== null) return found;
      await once(changes, "change");
    }
  };
  const type = (text) => {
    printed = "";
    child.stdin.write(text);
  };
  const run = async (command) => {
    type(`{ ${command}\n} </dev/null\nprintf '\\nstatus %s.\\n' $?\n`);
    const [end, status] = await until(/\nstatus (\d+)\.\n/);
    return { status: Number(status), printed: printed.replace(end, "") };
  };
  const serve = async (command, pattern) => {
    type(`{ ${command.replace(/\s*&?\s*(#.*)?$/, "")} & } </dev/null\n`);
    return until(pattern);
  };
  return { cwd, run, serve, until };
}
