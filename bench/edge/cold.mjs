// Measures how long a Worker takes from its start to its first answer. Each start is a new workerd, without Miniflare.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import workerd from "workerd";
import { worker } from "../../tools/edge.mjs";
import { KEY } from "../bodies.mjs";
import { compare, median, shuffled } from "../rounds.mjs";

const root = join(import.meta.dirname, "../..");
const peers = join(import.meta.dirname, "peers");

export const OURS = "ours";
const PLAIN = "plain JS Worker";
const DURABLE = "plain JS Worker + Durable Object";

const inbox = `
  durableObjectNamespaces = [(className = "Inbox", uniqueKey = "inbox", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),`;
const binding = `(name = "INBOX", durableObjectNamespace = "Inbox"),`;
const text = (name, value) => `(name = "${name}", text = "${value}"),`;

const peer = (file, more = "") => ({ path: "/", files: { "index.js": join(peers, file) }, more });

const CANDIDATES = {
  [OURS]: {
    path: "/healthz",
    files: Object.fromEntries(
      ["index.js", "core_bg.wasm"].map((file) => [file, join(root, "worker/build", file)]),
    ),
    more: `bindings = [
      ${text("WALNUT_WEBHOOK_KEY", KEY)} ${text("ORIGIN_URL", "http://127.0.0.1:9/")} ${text("ALLOW_LOOPBACK", "1")}
      ${binding}
    ],${inbox}`,
  },
  [PLAIN]: peer("plain.js"),
  [DURABLE]: peer("plain-durable.js", `bindings = [${binding}],${inbox}`),
};

/** Writes the files that workerd serves, and returns the config's path. */
function write(folder, { files, more }) {
  mkdirSync(join(folder, "storage"), { recursive: true });
  for (const [name, path] of Object.entries(files)) copyFileSync(path, join(folder, name));
  const modules = Object.keys(files).map((name) => `
    (name = "${name}", ${name.endsWith(".wasm") ? "wasm" : "esModule"} = embed "${name}"),`);
  const config = join(folder, "config.capnp");
  writeFileSync(config, `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [
  (name = "main", worker = .main),
  (name = "storage", disk = (path = "${join(folder, "storage")}", writable = true)),
], sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
const main :Workerd.Worker = (
  modules = [${modules.join("")}
  ],
  compatibilityDate = "${worker({}).compatibilityDate}",
  ${more}
);
`);
  return config;
}

/** Returns the milliseconds from the start of workerd to the end of its first answer. workerd reports when it listens. */
async function start(config, path) {
  const from = performance.now();
  const child = spawn(workerd.default, ["serve", config, "--control-fd=3"], { stdio: ["ignore", "ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let errors = "";
  child.stderr.on("data", (piece) => (errors += piece));
  try {
    const answered = (async () => {
      let events = "";
      for await (const piece of child.stdio[3]) {
        events += piece;
        const [, port] = /"event":"listen","socket":"http","port":(\d+)/.exec(events) ?? [];
        if (port !== undefined) return get(port, path);
      }
      throw new Error(`workerd did not start: ${errors}`);
    })();
    const answer = await answered;
    const ms = performance.now() - from;
    if (!answer.startsWith("HTTP/1.1 200 ")) throw new Error(`the first answer is ${answer}${errors}`);
    return ms;
  } finally {
    child.kill("SIGKILL");
    await exited;
  }
}

/** Sends a request over a bare connection, so that this process adds as little time as possible. */
async function get(port, path) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\n\r\n`);
  const [answer] = await once(socket, "data");
  socket.destroy();
  return answer.latin1Slice();
}

/** Starts each candidate `spawns` times, in turns. Returns the median ms of each, and its ratio to the plain Worker. */
export async function coldStarts(folder, spawns) {
  const all = Object.entries(CANDIDATES).map(([name, candidate], n) => {
    return { name, path: candidate.path, config: write(join(folder, String(n)), candidate), ms: [] };
  });
  for (const { config, path } of all) await start(config, path); // the first start loads its files into memory
  for (let spawned = 0; spawned < spawns; spawned++) {
    for (const { config, path, ms } of shuffled(all)) ms.push(await start(config, path));
  }
  const plain = all.find(({ name }) => name === PLAIN);
  return Object.fromEntries(all.map(({ name, ms }) => [name, { ms: median(ms), ratio: compare(ms, plain.ms) }]));
}
