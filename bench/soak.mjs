// The edge under all that may happen to it at once: duplicates, forgeries, bodies that are too large, an origin that
// fails, and two kills. Whoever was answered 200 is in the ledger; all of the ledger must be at the origin in the end.
// `EVENTS` (20,000) and `SEED` may be set. The summary is the last line, and in target/bench/soak.json.
import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEdge } from "../tools/edge.mjs";

const root = join(import.meta.dirname, "..");
const EVENTS = Number(process.env.EVENTS || 20_000);
const SEED = Number(process.env.SEED || 1);
const CONNECTIONS = 32;
const DUPLICATES = 0.05;
const FORGED = 0.05;
const OVERSIZED = 0.01;
const FAILING = 0.3;
const MAX_BODY_BYTES = 65_536;
const PATIENCE_MS = 3_900_000;
/** Where in the events the process is killed. */
const KILLS = [1 / 3, 2 / 3].map((part) => Math.floor(EVENTS * part));
const KEY = "the key of the soak";

const demo = JSON.parse(await readFile(join(root, "tests/vectors/bodies/demo.json")));
const sign = (body) => createHmac("sha256", KEY).update(body).digest("hex");

/** A random number from 0 to 1, the same for the same seed (mulberry32). */
let state = SEED;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** How often the origin has taken each session, and whether one that was forged was among them. */
const taken = new Map();
const progress = new EventEmitter();
let forgedThrough = 0;
const origin = createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces);
  if (random() < FAILING) return response.writeHead(500).end();
  const { data, forged } = JSON.parse(body);
  if (forged || request.headers["x-walnut-signature"] !== sign(body)) forgedThrough++;
  taken.set(data.session_id, (taken.get(data.session_id) ?? 0) + 1);
  response.end();
  progress.emit("taken", data.session_id);
});
await once(origin.listen(0, "127.0.0.1"), "listening");

const storage = await mkdtemp(join(tmpdir(), "walnut-webhooks-soak-"));
const bindings = {
  WALNUT_WEBHOOK_KEY: KEY,
  ORIGIN_URL: `http://127.0.0.1:${origin.address().port}/`,
  ALLOW_LOOPBACK: "1",
  MAX_BODY_BYTES: String(MAX_BODY_BYTES),
};
let edge = await startEdge({ bindings, storage });
let restarting;
let kills = 0;
function kill() {
  kills++;
  restarting = (async () => {
    edge.kill();
    await edge.stop();
    edge = await startEdge({ bindings, storage });
    restarting = undefined;
  })();
}

const ledger = new Set();
const answers = {};
let unanswered = 0;

/** Posts as Walnut does: again, where there was no answer. */
async function post(body, signature) {
  for (;;) {
    await restarting;
    try {
      const response = await fetch(`${edge.url}/webhook`, { method: "POST", body, headers: { "x-walnut-signature": signature } });
      await response.arrayBuffer();
      answers[response.status] = (answers[response.status] ?? 0) + 1;
      return response.status;
    } catch {
      unanswered++;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

let next = 0;
async function sender() {
  for (let n = next++; n < EVENTS; n = next++) {
    if (KILLS.includes(n)) kill();
    const session_id = `${SEED}-${n}`;
    const event = { ...demo, timestamp: new Date().toISOString(), data: { ...demo.data, session_id } };
    const chance = random();
    if (chance < FORGED) {
      const body = JSON.stringify({ ...event, forged: true });
      if ((await post(body, sign(`${body} `))) !== 401) throw new Error("a forgery was not refused");
    } else if (chance < FORGED + OVERSIZED) {
      const body = JSON.stringify({ ...event, padding: "x".repeat(MAX_BODY_BYTES) });
      if ((await post(body, sign(body))) !== 413) throw new Error("a body that is too large was not refused");
    } else {
      const body = JSON.stringify(event);
      const times = random() < DUPLICATES ? 2 : 1;
      for (let time = 0; time < times; time++) if ((await post(body, sign(body))) === 200) ledger.add(session_id);
    }
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, sender));
await restarting;
const accepted = performance.now();
const missing = new Set([...ledger].filter((id) => !taken.has(id)));
progress.on("taken", (id) => missing.delete(id));
// No wait between two attempts is longer than an hour: what has not come by then is lost.
const patience = AbortSignal.timeout(PATIENCE_MS);
while (missing.size > 0 && !patience.aborted) {
  await once(progress, "taken", { signal: patience }).catch((error) => {
    if (!patience.aborted) throw error;
  });
}
const ended = performance.now();
await edge.stop();
origin.closeAllConnections();
origin.close();
await rm(storage, { recursive: true });

const extra = [...taken.values()].reduce((sum, times) => sum + times - 1, 0);
const summary = {
  events: EVENTS,
  seed: SEED,
  kills,
  answers,
  unanswered,
  ledger: ledger.size,
  missing: missing.size,
  forgedThrough,
  takenTwice: extra,
  secondsToAccept: Number(((accepted - began) / 1000).toFixed(1)),
  secondsToDeliver: Number(((ended - began) / 1000).toFixed(1)),
};
await mkdir(join(root, "target/bench"), { recursive: true });
await writeFile(join(root, "target/bench/soak.json"), `${JSON.stringify(summary, null, 2)}\n`);
console.log(JSON.stringify(summary));
if (summary.missing > 0 || forgedThrough > 0) process.exitCode = 1;
