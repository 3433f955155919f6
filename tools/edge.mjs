// Starts the Worker in real workerd, configured by worker/wrangler.toml, on loopback and with fresh storage.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";

const root = join(import.meta.dirname, "..");

/** The bundle that is deployed, and the one with failpoints for tests. */
const BUILD = join(root, "worker/build");
export const FAILPOINTS_BUILD = join(root, "target/worker-failpoints");

/**
 * Starts an edge. `bindings` are its variables and secrets, `log` receives each line of its log, `storage` is the folder
 * to store in (default: a new one), and `entry` is a module to run instead of the bundle, which it can import as
 * `./index.js`. With `inspector`, the Worker can be inspected. Returns its `url`; `scheduled`, which runs its cron
 * trigger; `inspected`, the address of its inspector; `kill`, which kills its process; and `stop`.
 */
export async function startEdge({ bindings, port = 0, build = BUILD, entry, storage, inspector = false, log = () => {} }) {
  const others = workerds();
  const edge = new Miniflare({
    ...worker(bindings, build, entry),
    durableObjectsPersist: storage,
    host: "127.0.0.1",
    port,
    ...(inspector && { inspectorPort: 0 }),
    log: new Log(LogLevel.NONE),
    cf: false, // By default, Miniflare asks Cloudflare for its location.
    handleRuntimeStdio: (stdout, stderr) => {
      for (const stream of [stdout, stderr]) lines(stream, log);
    },
  });
  const url = (await edge.ready).origin;
  const [pid] = workerds().filter((pid) => !others.includes(pid));
  let stopped;
  return {
    url,
    scheduled: async () => (await edge.getWorker()).scheduled(),
    inspected: async () => String(await edge.getInspectorURL()),
    kill: () => process.kill(pid, "SIGKILL"),
    stop: () => (stopped ??= edge.dispose()),
  };
}

/** Returns the Worker's options for Miniflare. */
export function worker(bindings, build = BUILD, entry) {
  const workerOptions = wranglerOptions();
  return {
    ...workerOptions,
    bindings: { ...workerOptions.bindings, ...bindings },
    modulesRoot: build,
    modules: [
      ...(entry === undefined ? [] : [{ type: "ESModule", path: join(build, "entry.js"), contents: entry }]),
      { type: "ESModule", path: join(build, "index.js") },
      { type: "CompiledWasm", path: join(build, "core_bg.wasm") },
    ],
  };
}

/**
 * Returns the options that wrangler reads from worker/wrangler.toml. Each process of the tests would need two seconds to load
 * wrangler, so they are stored until that file or wrangler changes.
 */
function wranglerOptions() {
  const file = join(root, "worker/wrangler.toml");
  const require = createRequire(import.meta.url);
  const hash = createHash("sha256").update(readFileSync(file)).update(require("wrangler/package.json").version).digest("hex");
  const folder = join(root, "target/worker-options");
  const stored = join(folder, `${hash}.json`);
  if (!existsSync(stored)) {
    // Without the secrets of .dev.vars and .env, which are for `wrangler dev`.
    const { workerOptions } = require("wrangler").unstable_getMiniflareWorkerOptions(file, undefined, { envFiles: ["none"] });
    mkdirSync(folder, { recursive: true });
    // Renamed after it is written, so that other processes never read a part of the file.
    writeFileSync(`${stored}.${process.pid}`, JSON.stringify(workerOptions));
    renameSync(`${stored}.${process.pid}`, stored);
  }
  return JSON.parse(readFileSync(stored, "utf8"));
}

/** The pids of the workerd processes that this process has started. */
export function workerds() {
  // Only Linux has /proc, and the callers run on Linux.
  if (process.platform !== "linux") return [];
  const children = readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/children`, "utf8").split(" ").filter(Boolean),
  );
  return children.filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("workerd")).map(Number);
}

function lines(stream, log) {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text) => {
    const all = (rest + text).split("\n");
    rest = all.pop();
    for (const line of all) log(line);
  });
}
