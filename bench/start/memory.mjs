// Measures the resident memory of `edge start`, and of a Worker of one line in the same workerd, after the same requests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { COMPATIBILITY_DATE } from "../../pkg-cli/edge/configuration.js";
import { findWorkerd } from "../../pkg-cli/edge/project.js";
import { countDeliveries, createEvent, postEvent, spawnEdge, stopEdge } from "./edge.mjs";

const root = join(import.meta.dirname, "../..");

const ONE_LINE = "export default { fetch: () => new Response('ok') };";

const CONNECTIONS = 16;

/** The number of requests between two measurements. */
const STEP = 10_000;

/** The wait between two checks whether everything is delivered, in ms. */
const POLL_MS = 200;

/** Returns the resident memory of a process, in bytes. */
function resident(pid) {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(kib) * 1024;
}

/** Starts the Worker of one line. Returns its process ID, its URL, and `stop`. */
async function startOneLine(folder) {
  const config = join(folder, "one-line.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "index.js", esModule = "${ONE_LINE}")],
    compatibilityDate = "${COMPATIBILITY_DATE}"
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`,
  );
  const child = spawn(findWorkerd(root), ["serve", config, "--control-fd=3"], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const [line] = await once(createInterface({ input: child.stdio[3] }), "line");
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await once(child, "exit");
  };
  return { pid: child.pid, url: `http://127.0.0.1:${JSON.parse(line).port}`, stop };
}

/** Sends `count` requests. On a busy machine, an idle connection may be closed. Then the request is sent again. */
async function send(url, count) {
  let left = count;
  const connection = async () => {
    while (left-- > 0) {
      const event = createEvent();
      let status;
      while ((status = await postEvent(url, event).catch(() => undefined)) === undefined);
      if (status !== 200) throw new Error(`a request was answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
}

/** Measures before the first request, and after each step once the edge has delivered everything. */
export async function memory({ destination, folder, events }) {
  const edge = spawnEdge({ data: join(folder, "memory"), port: 0, destination });
  const { url } = await edge.started;
  const workerd = edge.workerd();
  const oneLine = await startOneLine(folder);
  const points = [];
  const measure = (events) => {
    points.push({ events, edge: resident(workerd), oneLine: resident(oneLine.pid), command: resident(edge.pid) });
    console.error(JSON.stringify(points.at(-1)));
  };
  measure(0);
  for (let sent = 0; sent < events; ) {
    const count = Math.min(STEP, events - sent);
    await send(url, count);
    await send(oneLine.url, count);
    sent += count;
    while ((await countDeliveries(url)).pending > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    measure(sent);
  }
  await oneLine.stop();
  await stopEdge(edge);
  return points;
}
