// The compared Workers. All run in one workerd, each on a separate port.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";
import { worker, workerds } from "../../tools/edge.mjs";
import { KEY } from "../bodies.mjs";

const root = join(import.meta.dirname, "../..");
const peers = join(import.meta.dirname, "peers");

/** The edge itself. It answers on /webhook. */
export const ours = (bindings) =>
  worker({ WALNUT_WEBHOOK_KEY: KEY, ALLOW_LOOPBACK: "1", MAX_EVENT_AGE: "0", ...bindings });

/** Returns a peer: a module in peers/, with the modules that it imports. */
export function peer(file, bindings, more) {
  const { compatibilityDate } = worker({});
  const module = (name) => ({ type: "ESModule", path: join(peers, name), contents: readFileSync(join(peers, name), "utf8") });
  const main = module(file);
  const imported = [...main.contents.matchAll(/ from "\.\/(.+)"/g)].map(([, name]) => module(name));
  return {
    compatibilityDate,
    bindings: { KEY, ...bindings },
    modulesRoot: peers,
    modules: [main, ...imported],
    ...more,
  };
}

/** The statements that create the inbox's tables. None of them contains a quotation mark. */
export const SCHEMA = [
  ...readFileSync(join(root, "worker/src/inbox/schema.rs"), "utf8").matchAll(/"(CREATE (?:TABLE|INDEX|UNIQUE INDEX) (?!IF)[^"]+)"/g),
].map(([, statement]) => statement);

/** Starts Workers by name. Returns the `urls` to post to, `cpuMs`, which returns the CPU time of workerd, and `stop`. */
export async function startWorkers(workers, storage) {
  const others = workerds();
  const names = Object.keys(workers);
  const miniflare = new Miniflare({
    workers: names.map((name) => ({ ...workers[name], name, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] })),
    durableObjectsPersist: storage,
    host: "127.0.0.1",
    port: 0,
    log: new Log(LogLevel.NONE),
    // The edge logs a line for each decision, as it does when deployed. The lines are read and dropped.
    handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach((stream) => stream.resume()),
  });
  await miniflare.ready;
  const [pid] = workerds().filter((pid) => !others.includes(pid));
  const urls = {};
  for (const name of names) urls[name] = new URL("/webhook", await miniflare.unsafeGetDirectURL(name)).href;
  return { urls, cpuMs: () => cpuMs(pid), stop: () => miniflare.dispose() };
}

/** Returns the CPU time of a process, in ms. The kernel counts in hundredths of a second. */
export function cpuMs(pid) {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ");
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return (user + system) * 10;
}
