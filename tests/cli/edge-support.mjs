// Runs `edge start` as its users do: as a process, which starts workerd as a second process.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DURABLE, post as postEvent, startOrigin } from "../worker/support.mjs";
import { start } from "./support.mjs";

/** A folder in which workerd is installed. */
export const project = join(import.meta.dirname, "../..");

/** Starts an origin, which stops after the test. */
export async function destination(t) {
  const origin = await startOrigin();
  t.after(origin.stop);
  return origin;
}

/** The variables of an edge that delivers to an origin. */
export const variables = (origin) => ({ ...DURABLE, ORIGIN_URL: origin.url });

/**
 * Starts the command with a data folder. `lines` is its log as objects, `logged(fields)` waits for the first line with these
 * fields, and fails if the command ends first. The command and its workerd end with the test.
 */
export function launch(t, data, { env, args = [], cwd = project } = {}) {
  const command = start(["edge", "start", "--data", data, "--port", "0", ...args], { env, cwd, input: "" });
  const lines = [];
  const waiting = new Set();
  createInterface({ input: command.child.stdout }).on("line", (text) => {
    lines.push(JSON.parse(text));
    for (const check of waiting) check();
  });
  t.after(async () => {
    command.child.kill("SIGKILL");
    await command.ended;
    for (const pid of running(data)) await kill(pid);
  });
  const logged = (fields) =>
    new Promise((resolve, reject) => {
      const check = () => {
        const line = lines.find((line) => Object.entries(fields).every(([name, value]) => line[name] === value));
        if (line === undefined) return;
        waiting.delete(check);
        resolve(line);
      };
      waiting.add(check);
      command.ended.then(({ status, err }) => reject(new Error(`it ended with ${status} before it logged ${JSON.stringify(fields)}: ${err}`)));
      check();
    });
  return { ...command, lines, logged };
}

/** Starts the command, and waits until it accepts events at `url`. `post` posts the body of an event there. */
export async function startEdge(t, data, options) {
  const edge = launch(t, data, options);
  const { url, health } = await edge.logged({ event: "started" });
  return { ...edge, url, health, post: (body, headers) => postEvent(`${url}/webhook`, body, headers) };
}

/** Stops an edge cleanly. */
export async function stop({ child, ended }) {
  child.kill("SIGTERM");
  return ended;
}

/** The process id of the workerd that runs in a data folder. */
export function workerdOf(data) {
  const file = join(data, "workerd.pid");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  return isRunning(pid, data) ? pid : undefined;
}

/** The ids of all processes whose command line names a data folder. */
export const running = (data) => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && isRunning(pid, data)).map(Number);

function isRunning(pid, data) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`${data}/`);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return false;
    throw error;
  }
}

/** Kills a process that is not a child of this one, and waits until it has ended. */
export async function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
  while (existsSync(`/proc/${pid}/exe`)) await new Promise((resolve) => setImmediate(resolve));
}

/** The locks of a data folder. */
export const locks = (data) => (existsSync(data) ? readdirSync(data).filter((file) => file.startsWith("lock")) : []);
