import { createHash, createHmac, randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEdge } from "../../tools/edge.mjs";

export const KEY = "walnut-webhooks-vectors";

/** Direct mode, with an origin on this machine, for events of any age. */
export const DIRECT = { MODE: "direct", ALLOW_LOOPBACK: "1", MAX_EVENT_AGE: "0" };
/** Durable mode. */
export const DURABLE = { ...DIRECT, MODE: undefined };

/** Returns the body of an event: the documented event with a new session and the values in `fields`. */
export const event = ({ session_id = randomUUID(), ...fields } = {}) =>
  JSON.stringify({ ...DEMO, timestamp: new Date().toISOString(), ...fields, data: { ...DEMO.data, session_id } });

const DEMO = JSON.parse(readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json")));

/** Returns the body of an event that belongs to shard number `shard` of `shards`. */
export function inShard(shard, shards) {
  for (;;) {
    const body = event();
    const { event: name, data } = JSON.parse(body);
    if (createHash("sha256").update(`${name}:${data.session_id}`).digest().readUInt32BE() % shards === shard) return body;
  }
}

/** The pause between two checks. Without one, a test that waits would keep a core from the edge and from other tests. */
const POLL_MS = 25;

/** Calls `check` until its result is true, and returns that result. */
export async function eventually(check) {
  for (;;) {
    const result = await check();
    if (result) return result;
    await sleep(POLL_MS);
  }
}

export const sign = (body, key = KEY) => createHmac("sha256", key).update(body).digest("hex");
export const sha256 = (body) => createHash("sha256").update(body).digest("hex");

/**
 * Starts a real origin. A test may replace `answer(request, response, body)`. `taken` has each request with its body.
 * `took(n)` waits for the nth request and returns it. `most` is the largest number of simultaneous requests.
 */
export async function startOrigin() {
  const arrived = new EventEmitter();
  const origin = { taken: [], now: 0, most: 0, answer: (_, response) => response.end("taken") };
  origin.took = async (count) => {
    while (origin.taken.length < count) await once(arrived, "request");
    return origin.taken[count - 1];
  };
  const server = createServer(async (request, response) => {
    origin.most = Math.max(origin.most, ++origin.now);
    response.once("close", () => origin.now--);
    const pieces = [];
    try {
      for await (const piece of request) pieces.push(piece);
    } catch {
      return; // the edge was stopped while it was sending
    }
    const body = Buffer.concat(pieces);
    origin.taken.push({ url: request.url, headers: request.headers, method: request.method, body });
    arrived.emit("request");
    origin.answer(request, response, body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  origin.url = `http://127.0.0.1:${server.address().port}/webhook`;
  origin.stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return origin;
}

/**
 * Starts an edge in front of `origin`; both end with the test. `bindings` may be a function of the origin, and a binding
 * that is `undefined` is left out. `lines` is the log, and `logged(...parts)` waits for the first line that contains all
 * `parts`. A response may arrive before log lines that were written earlier, so `caughtUp` delivers one more event and
 * waits for its line.
 */
export async function start(t, bindings = {}, options = {}) {
  const origin = await startOrigin();
  t.after(origin.stop);
  const lines = [];
  const log = new EventEmitter();
  const more = typeof bindings === "function" ? bindings(origin) : bindings;
  const all = { ...DIRECT, WALNUT_WEBHOOK_KEY: KEY, ORIGIN_URL: origin.url, ...more };
  const edge = await startEdge({
    bindings: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    log: (line) => {
      lines.push(line);
      log.emit("line");
    },
    ...options,
  });
  t.after(edge.stop);
  const logged = async (...parts) => {
    for (;;) {
      const line = lines.find((line) => parts.every((part) => line.includes(part)));
      if (line !== undefined) return line;
      await once(log, "line");
    }
  };
  const url = `${edge.url}/webhook`;
  const caughtUp = async () => {
    const last = event();
    await post(url, last);
    await logged('"delivered"', JSON.parse(last).data.session_id);
  };
  return { edge, origin, lines, logged, caughtUp, url };
}

export const TOKEN = "a-token-of-more-than-thirty-two-characters";

/**
 * Calls the admin API of an edge whose `ADMIN_TOKEN` is `TOKEN`. `ask` returns the status, the error code and the JSON.
 * `until` waits until a delivery has a state or satisfies a function. `ids` lists delivery IDs, the newest first.
 */
export function admin(edge) {
  const ask = async (method, path, body, token = TOKEN) => {
    const response = await fetch(`${edge.url}/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    return { status: response.status, code: answer.error?.code, ...answer };
  };
  const until = async (id, wanted) => {
    const is = typeof wanted === "function" ? wanted : ({ state }) => state === wanted;
    return eventually(async () => {
      const delivery = await ask("GET", `deliveries/${id}`);
      return is(delivery) && delivery;
    });
  };
  const ids = async (query = "") =>
    (await ask("GET", `deliveries${query}`)).deliveries.map(({ deliveryId }) => deliveryId);
  return { ask, until, ids };
}

/** Posts a body, and returns the status and the code of the error, if there is one. */
export async function post(url, body, headers = { "x-walnut-signature": sign(body) }) {
  const response = await fetch(url, { method: "POST", body, headers });
  const answer = await response.json();
  return { status: response.status, code: answer.error?.code };
}

/** Sends the head of a delivery with `lines`, and a part of its body. Returns the socket, which ends with the test. */
export function half(t, { url }, lines, piece) {
  const { host, hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => {});
  t.after(() => socket.destroy());
  socket.write(["POST /webhook HTTP/1.1", `Host: ${host}`, ...lines, "", piece].join("\r\n"));
  return socket;
}

/** Makes a folder for the storage of an edge. It is removed after the test. */
export async function folder(t) {
  const path = await mkdtemp(join(tmpdir(), "walnut-webhooks-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** Returns a promise and the function that resolves it. */
export function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

/**
 * Starts the server that a Worker of the failpoints build calls at its failpoint. The call resolves `reached`, and the
 * server never responds to it.
 */
export async function failpoint(t) {
  const reached = deferred();
  const server = createServer(() => reached.resolve()).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close() && server.closeAllConnections());
  return { url: `http://127.0.0.1:${server.address().port}/`, reached: reached.promise };
}
