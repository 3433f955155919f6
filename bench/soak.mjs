// Tests `edge start` under many faults at once: duplicates, forgeries, bodies over the limit, destinations that fail in ten
// ways, and SIGKILL of the command, of its workerd, or of both, while the edge accepts and while it delivers. Meanwhile, one
// destination is paused, one is renamed, one is removed and added again, and the key is reset. All but the pause restart the
// edge by SIGTERM. The ledger has each event that was answered 200. Each destination must receive the events of the ledger
// that it wants, and no other event.
// `EVENTS` (20,000), `KILLS` (10), `SHARDS` (4) and `SEED` may be set. The summary is the last line, and in
// target/bench/soak.json.
import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TARGETS, startEdge } from "./soak/edge.mjs";
import { served, startOrigin } from "./soak/origins.mjs";

const root = join(import.meta.dirname, "..");
const EVENTS = whole("EVENTS", 20_000);
const KILLS = whole("KILLS", 10);
const SHARDS = whole("SHARDS", 4);
const SEED = whole("SEED", 1);
const CONNECTIONS = 32;
const DUPLICATES = 0.05;
const FORGED = 0.05;
const OVERSIZED = 0.01;
const FAILING = 0.3;
const MAX_BODY_BYTES = 65_536;
/** Reads a whole number from the environment. */
function whole(name, otherwise) {
  const value = Number(process.env[name] || otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} must be a whole number, not ${process.env[name]}`);
  return value;
}

/** If no missing event arrives for this time, the rest counts as lost, in ms. It is far longer than any wait for an attempt. */
const PATIENCE_MS = 300_000;
const KEYS = ["the key of the soak", "the key after the reset"];
const ADMIN_TOKEN = "the-admin-token-of-the-soak-which-is-long";

const load = async (name) => JSON.parse(await readFile(join(root, `tests/vectors/bodies/${name}.json`)));
const samples = [await load("demo"), await load("playlist")];
const sign = (body, key) => createHmac("sha256", key).update(body).digest("hex");
/** The key that Walnut signs with now. */
let key = KEYS[0];

let state = SEED;
/** Returns a random number from 0 to 1. The sequence is the same for the same seed (mulberry32). */
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The name of each event that was answered 200, by its session. */
const ledger = new Map();
const progress = new EventEmitter();
const destinations = [{ name: "crm" }, { name: "warehouse" }, { name: "playlists", events: [samples[1].event] }];
for (const destination of destinations) {
  /** How often the destination accepted each session. */
  const taken = new Map();
  /** Once the ledger is complete: the sessions that the destination has not accepted yet. */
  const missing = new Set();
  const origin = await startOrigin(destination.name, {
    seed: SEED,
    failing: FAILING,
    check: (body, headers) => {
      const { event, data, forged } = JSON.parse(body);
      const isGenuine = KEYS.some((key) => headers["x-walnut-signature"] === sign(body, key));
      if (forged || !isGenuine) destination.forged++;
      if (destination.events?.includes(event) === false) destination.misrouted++;
      return data.session_id;
    },
    taken: (session) => {
      taken.set(session, (taken.get(session) ?? 0) + 1);
      if (missing.delete(session)) progress.emit("arrived");
    },
  });
  Object.assign(destination, { origin, taken, missing, expected: 0, forged: 0, misrouted: 0 });
}

const data = await mkdtemp(join(tmpdir(), "walnut-webhooks-soak-"));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const listed = (all) => JSON.stringify(all.map(({ name, events, origin: { url } }) => ({ name, events, url })));
const variables = {
  WALNUT_WEBHOOK_KEY: KEYS[0],
  ADMIN_TOKEN,
  DESTINATIONS: listed(destinations),
  ALLOW_LOOPBACK: "1",
  MAX_BODY_BYTES: String(MAX_BODY_BYTES),
  ORIGIN_TIMEOUT: "1s",
  SHARDS: String(SHARDS),
};
const edge = await startEdge({ data, variables });

/** Waits before an unanswered request is sent again. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

/** Calls the admin API of the edge. Repeats the call if the edge is killed meanwhile. */
async function ask(path, body) {
  for (;;) {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await fetch(`${edge.url}/admin/${path}`, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => undefined);
    if (response?.ok) return response.json();
    if (response?.status < 500) throw new Error(`${path}: ${await response.text()}`);
    await pause();
  }
}

const [crm, warehouse, playlists] = destinations;
const started = Date.now();
/** The operations of an operator, each with the part of the events after which it is done. */
const operations = [
  [0.3, () => ask("destinations/crm/pause")],
  [0.4, () => {
    // The destination is removed; the same restart renames another one.
    warehouse.name = "lake";
    variables.DESTINATIONS = listed([crm, warehouse]);
    edge.restart("stop");
  }],
  [0.5, () => (key = KEYS[1])],
  [0.5, () => {
    variables.WALNUT_WEBHOOK_KEY = KEYS[1];
    edge.restart("stop");
  }],
  [0.6, () => {
    variables.DESTINATIONS = listed(destinations);
    edge.restart("stop");
  }],
  [0.7, () => ask("destinations/crm/resume")],
];
/** After the last event, redelivers for the renamed destination and for the one that was removed and added again. */
async function repair() {
  const moved = await ask("redeliver", { from: "warehouse", destination: "lake" });
  const missed = { state: "all", destination: "playlists", since: started, until: Date.now() };
  return { moved: moved.redelivered, missed: (await ask("redeliver", missed)).redelivered };
}

const answers = {};
let unanswered = 0;

/** Posts as Walnut does: repeats the request if the edge does not answer, or answers 503 while it stops. */
async function post(body, signature) {
  for (;;) {
    try {
      const response = await fetch(`${edge.url}/webhook`, { method: "POST", body, headers: { "x-walnut-signature": signature } });
      await response.arrayBuffer();
      answers[response.status] = (answers[response.status] ?? 0) + 1;
      if (response.status !== 503) return response.status;
      await pause();
    } catch {
      unanswered++;
      await pause();
    }
  }
}

/** Half of the kills are spread over the events, and half over the deliveries that are left after the last event. */
const kills = Array.from({ length: KILLS }, () => ({ fraction: random(), target: TARGETS[Math.floor(random() * TARGETS.length)] }));
const accepting = kills.slice(0, Math.ceil(KILLS / 2)).map(({ fraction, target }) => ({ at: Math.floor(EVENTS * fraction), target }));
const delivering = kills.slice(accepting.length);

let next = 0;
async function sender() {
  for (let n = next++; n < EVENTS; n = next++) {
    for (const { at, target } of accepting) if (at === n) edge.restart(target);
    for (const [part, operate] of operations) if (Math.floor(EVENTS * part) === n) await operate();
    const session_id = `${SEED}-${n}`;
    const sample = samples[n % samples.length];
    const event = { ...sample, timestamp: new Date().toISOString(), data: { ...sample.data, session_id } };
    const chance = random();
    if (chance < FORGED) {
      const body = JSON.stringify({ ...event, forged: true });
      if ((await post(body, sign(`${body} `, key))) !== 401) throw new Error("a forgery was not rejected");
    } else if (chance < FORGED + OVERSIZED) {
      const body = JSON.stringify({ ...event, padding: "x".repeat(MAX_BODY_BYTES) });
      if ((await post(body, sign(body, key))) !== 413) throw new Error("a body over the limit was not rejected");
    } else {
      const body = JSON.stringify(event);
      const times = random() < DUPLICATES ? 2 : 1;
      for (let time = 0; time < times; time++) {
        let status;
        // During a reset, Walnut tries again later.
        while ((status = await post(body, sign(body, key))) === 401) await new Promise((resolve) => setTimeout(resolve, 100));
        if (status === 200) ledger.set(session_id, event.event);
      }
    }
  }
}

const began = performance.now();
await Promise.all(Array.from({ length: CONNECTIONS }, sender));
await edge.restarted();
const accepted = performance.now();
const repaired = await repair();
for (const destination of destinations) {
  for (const [session, event] of ledger) {
    if (destination.events?.includes(event) === false) continue;
    destination.expected++;
    if (!destination.taken.has(session)) destination.missing.add(session);
  }
}
const countMissing = () => destinations.reduce((sum, { missing }) => sum + missing.size, 0);
const backlog = countMissing();
const left = delivering.map(({ fraction, target }) => ({ at: Math.ceil(backlog * fraction), target })).sort((a, b) => a.at - b.at);
for (let missing = backlog; missing > 0; missing = countMissing()) {
  while (missing <= left.at(-1)?.at) edge.restart(left.pop().target);
  const patience = AbortSignal.timeout(PATIENCE_MS);
  await once(progress, "arrived", { signal: patience }).catch(() => {});
  if (patience.aborted) break;
}
const ended = performance.now();
await edge.restarted();
await edge.stop();
for (const { origin } of destinations) await origin.stop();
await rm(data, { recursive: true });

const seconds = (from, to) => Number(((to - from) / 1000).toFixed(1));
const results = destinations.map(({ name, expected, taken, missing, forged, misrouted, origin }) => ({
  name,
  expected,
  lost: missing.size,
  forged,
  misrouted,
  redirectsFollowed: origin.followed,
  duplicates: [...taken.values()].reduce((sum, times) => sum + times - 1, 0),
}));
const summary = {
  events: EVENTS,
  seed: SEED,
  shards: SHARDS,
  kills: { whileAccepting: accepting.length, whileDelivering: delivering.length - left.length },
  restartMs: edge.restarts,
  answers,
  unanswered,
  ledger: ledger.size,
  repaired,
  leftToDeliver: backlog,
  destinations: results,
  served,
  secondsToAccept: seconds(began, accepted),
  secondsToDeliver: seconds(began, ended),
};
await mkdir(join(root, "target/bench"), { recursive: true });
await writeFile(join(root, "target/bench/soak.json"), `${JSON.stringify(summary, null, 2)}\n`);
console.log(JSON.stringify(summary));
const isWrong = ({ lost, forged, misrouted, redirectsFollowed }) => lost + forged + misrouted + redirectsFollowed > 0;
if (results.some(isWrong)) process.exitCode = 1;
