// Ends an orphan: a process of workerd whose command was killed. It runs on without its cron trigger, and uses the storage.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure, NOT_RUN, reason } from "../failure.js";
import { CONTROL, drain } from "./control.js";
import { connected } from "./lock.js";

/** The configuration of workerd, in the data folder. */
export const CONFIGURATION = "workerd.capnp";
/** The file with the process id of workerd, in the data folder, for monitoring. */
export const PID = "workerd.pid";

/** How long the requests in flight may take, in milliseconds. */
const GRACE_MS = 10_000;

/** How long the system may take to close the sockets of a process that has ended, in milliseconds. */
const CLOSE_MS = 5000;

/** How often to check whether the process has ended, in milliseconds. */
const CHECK_MS = 50;

/**
 * Ends the orphan of a locked data folder, if there is one.
 *
 * @throws Failure `in_use` if the orphan can't be ended.
 */
export async function endOrphan(data: string): Promise<void> {
  for (const pid of processes(data)) await end(pid, data);
  // The system closes the sockets of a process that was killed only after its command line is gone.
  const until = Date.now() + CLOSE_MS;
  while (await isListening(data)) {
    if (Date.now() < until) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    else throw new Failure("in_use", `a process of workerd uses the folder ${data}: end it first, or choose another folder with --data`, NOT_RUN);
  }
}

async function isListening(data: string): Promise<boolean> {
  const client = await connected(join(data, CONTROL));
  client?.destroy();
  return client !== undefined;
}

async function end(pid: number, data: string): Promise<void> {
  const kill = (signal: NodeJS.Signals) => {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const ended = async () => {
    while (isWorkerd(pid, data)) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  };
  try {
    process.kill(pid, 0);
  } catch (error) {
    throw new Failure("in_use", `process ${pid} uses the folder ${data}, and can't be ended: ${reason(error)}`, NOT_RUN);
  }
  await drain(join(data, CONTROL), kill, ended(), GRACE_MS);
}

/** The processes of workerd that use this folder. Their command lines have the path of its configuration. */
function processes(data: string): number[] {
  if (process.platform === "linux") return readdirSync("/proc").map(Number).filter((pid) => pid > 0 && isWorkerd(pid, data));
  const lines = execFileSync("ps", ["-axo", "pid=,args="], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => isCommandLineOf(line, data)).map((line) => Number.parseInt(line, 10));
}

/** Whether a process is the workerd of this folder. */
function isWorkerd(pid: number, data: string): boolean {
  return isCommandLineOf(commandLine(pid), data);
}

function isCommandLineOf(line: string, data: string): boolean {
  return line.includes(` serve ${join(data, CONFIGURATION)} `);
}

/** The command line of a process; empty if the process has ended. */
function commandLine(pid: number): string {
  try {
    if (process.platform === "linux") return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return execFileSync("ps", ["-o", "args=", "-p", `${pid}`], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}
