// The platform's functions for Rust. They decide nothing. Each does as much as possible in one call, because calls
// from Rust are slow.
import { connect } from "cloudflare:sockets";

/** The smallest read from a body, in bytes. */
const LEAST_PIECE = 4096;

/**
 * The longest declared length for which a body is read in one call, in bytes. For a longer body, only the received part
 * takes memory.
 */
const MAX_WHOLE = 65_536;

/** The most bytes of memory for all bodies that an isolate is reading. */
const MAX_RESERVED = 32 << 20;

/** The bodies that are being read, and how many bytes they reserve together. */
const uploads = new Set();
let reserved = 0;

/**
 * Reads a body to its end. `declared` is the declared length, or 0. Resolves with `null` if the body is longer than
 * `limit`; at most `grace` bytes more are read, so that the sender receives the response. Resolves with `undefined` if
 * the body is not complete within `ms`, and with `false` if it would exceed MAX_RESERVED.
 */
export function read(request, declared, limit, grace, ms) {
  const upload = { bytes: 0, pieces: [], reader: null, end: Date.now() + ms };
  return new Promise((resolve, reject) => {
    // The timer ends with the request; clearing it would take longer.
    setTimeout(() => {
      if (release(upload)) cancel(upload);
      resolve();
    }, ms);
    // Reading fails when the client disconnects.
    readAll(upload, request, declared, limit, grace).then(resolve, reject);
  });
}

async function readAll(upload, request, declared, limit, grace) {
  uploads.add(upload);
  try {
    // An attacker may declare long bodies and send little. Once half of MAX_RESERVED is taken, only received bytes count.
    const mayReserve = reserved + declared <= MAX_RESERVED / 2;
    if (mayReserve && declared > 0 && declared <= Math.min(limit, MAX_WHOLE) && isAsLongAsDeclared(request)) {
      return reserve(upload, declared) && new Uint8Array(await request.arrayBuffer());
    }
    return await readPieces(upload, request.body, limit, grace);
  } finally {
    release(upload);
  }
}

async function readPieces(upload, stream, limit, grace) {
  if (!stream) return new Uint8Array();
  upload.reader = stream.getReader({ mode: "byob" });
  let length = 0;
  for (;;) {
    // When the client disconnects, only the garbage collector frees the memory for this piece, so the piece is small.
    const size = Math.max(LEAST_PIECE, length >> 6);
    if (!reserve(upload, size)) {
      cancel(upload);
      return false;
    }
    const { value, done } = await upload.reader.readAtLeast(size, new Uint8Array(size));
    if (!uploads.has(upload)) return undefined;
    if (value) {
      length += value.byteLength;
      upload.pieces.push(value);
    }
    // Only the last piece is shorter than requested.
    if (done || value.byteLength < size) return length <= limit ? join(upload.pieces, length) : null;
    if (length > limit + grace) return null;
  }
}

/** Reserves memory for an upload, if enough is left. Returns whether it did. */
function reserve(upload, bytes) {
  if (reserved + bytes > MAX_RESERVED) {
    // The platform may end a request without an error, so its memory is still reserved.
    for (const other of uploads) if (other.end < Date.now()) release(other);
  }
  if (reserved + bytes > MAX_RESERVED || !uploads.has(upload)) return false;
  reserved += bytes;
  upload.bytes += bytes;
  return true;
}

/** Frees the memory of an upload, without waiting for the garbage collector. Returns whether the upload was being read. */
function release(upload) {
  if (!uploads.delete(upload)) return false;
  reserved -= upload.bytes;
  for (const { buffer } of upload.pieces) buffer.transfer(0);
  upload.pieces = [];
  return true;
}

/** Stops the reading. */
function cancel({ reader }) {
  reader?.cancel().catch(() => {});
}

/** How many bytes of a response's body are read so that its connection can be reused, and for how many ms. */
const REST_BYTES = 65_536;
const REST_MS = 1000;

/** How many bytes of a failing response's body are returned. */
const SHOWN_BYTES = 1024;

/** The time limit of each test connection that finds out why a request failed, in ms. */
const PROBE_MS = 1000;

/**
 * Posts a body, and waits `ms` milliseconds at most for the response. The first line of `head` is the URL; the others are
 * headers for `parseHeaders`. The result is a text. Its first line has three fields: the outcome, the status or 0, and
 * `Retry-After`. The outcome is "accepted" for a 2xx status, "status" for any other status, or the cause of the failure.
 * The beginning of a failing response's body follows.
 */
export async function post(head, body, ms) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms);
  const outcome = await exchange(head, body, controller.signal);
  clearTimeout(timer);
  return outcome;
}

/**
 * Does the same in a request of the Worker, where the timer ends with the request. In a Durable Object, the timer would
 * continue and keep the object in memory.
 */
export const postInRequest = (head, body, ms) => exchange(head, body, AbortSignal.timeout(ms));

async function exchange(head, body, signal) {
  const [url, ...headers] = head.split("\n");
  const init = { method: "POST", headers: parseHeaders(headers), body, redirect: "manual", signal };
  let response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    return `${signal.aborted ? "timeout" : await whyFailed(error, url)} 0 `;
  }
  const { status, ok } = response;
  const retryAfter = response.headers.get("retry-after") ?? "";
  const shown = await readRest(response, ok ? 0 : SHOWN_BYTES);
  return `${ok ? "accepted" : "status"} ${status} ${retryAfter}\n${shown}`;
}

/** Reads the rest of a response. Resolves with its first `most` bytes as text. Errors are ignored. */
async function readRest({ status, body }, most) {
  if (!body) return "";
  // The platform treats 103 Early Hints as the response, and its body never ends.
  if (status < 200) {
    body.cancel().catch(() => {});
    return "";
  }
  const pieces = [];
  const reader = body.getReader();
  const timer = setTimeout(() => reader.cancel().catch(() => {}), REST_MS);
  try {
    for (let length = 0; length <= REST_BYTES; ) {
      const { value, done } = await reader.read();
      if (done) break;
      if (length < most) pieces.push(value);
      length += value.byteLength;
    }
    reader.cancel().catch(() => {});
  } catch {
    // The response was cut off.
  }
  clearTimeout(timer);
  const length = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
  // An incomplete character at the end is left out.
  return new TextDecoder().decode(join(pieces, length).subarray(0, most), { stream: true });
}

/**
 * Finds out why a request failed. The platform throws one error for a lost or a refused connection. It throws another
 * error for an unknown name, TLS and a response that is not HTTP. New connections distinguish these causes.
 */
async function whyFailed({ message }, url) {
  const isLost = message.startsWith("Network connection lost");
  if (!(await connects(url, "off"))) return isLost ? "refused" : "dns";
  return !isLost && url.startsWith("https:") && !(await connects(url, "on")) ? "tls" : "reset";
}

/** Opens a connection, and closes it. Resolves with whether it was opened. */
async function connects(url, secureTransport) {
  const { protocol, hostname, port } = new URL(url);
  let [socket, timer] = [];
  try {
    socket = connect({ hostname, port: Number(port) || (protocol === "https:" ? 443 : 80) }, { secureTransport });
    socket.closed.catch(() => {});
    const late = new Promise((resolve) => (timer = setTimeout(resolve, PROBE_MS)));
    return Boolean(await Promise.race([socket.opened, late]));
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
    socket?.close().catch(() => {});
  }
}

/** Returns whether `content-length` is the length of the body. For a chunked or compressed body, it is not. */
const isAsLongAsDeclared = ({ headers }) => !headers.has("transfer-encoding") && !headers.has("content-encoding");

function join(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/**
 * Makes an object from the lines of headers: each name is followed by its value. The platform takes twice as long for an
 * array of pairs.
 */
function parseHeaders(lines) {
  const headers = { __proto__: null };
  for (let at = 0; at + 1 < lines.length; at += 2) headers[lines[at]] = lines[at + 1];
  return headers;
}

/** Resolves with the SHA-256 of a prefix and a body. */
export async function sha256(prefix, body) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join([prefix, body], prefix.byteLength + body.byteLength)));
}

/** Returns `count` random bytes. */
export const random = (count) => crypto.getRandomValues(new Uint8Array(count));

/** Sends a request to a shard of the inbox; resolves with the reply. */
export async function ask(env, jurisdiction, shard, version, request) {
  return shardOf(env, jurisdiction, shard).ask(version, shard, request);
}

/** Lets other requests run: without a timer, a chain of calls within one process would block them. */
export const pause = () => new Promise((resolve) => setTimeout(resolve));

/** Sends a request to each shard at the same time; resolves with the result of each. */
export const askAll = (env, jurisdiction, version, requests) =>
  Promise.allSettled(requests.map((request, shard) => ask(env, jurisdiction, shard, version, request)));

/**
 * Waits until a shard stores a delivery that is newer than its delivery in `newest`, but at most `ms` milliseconds.
 * `newest` is a list of delivery IDs.
 */
export const waitForNewer = (env, jurisdiction, newest, ms) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
    for (const id of newest) {
      const [shard, row] = id.split("-").map(Number);
      // A failing shard does not end the wait.
      shardOf(env, jurisdiction, shard).wait(row, ms).then(resolve, () => {});
    }
  });

/**
 * Streams the lines that the shards export, one shard after the other. `request` is the first request to each shard. Each
 * pull asks for one part, so that only one part is in memory. The last lines of the stream name the shards that failed.
 */
export function exportLines(env, jurisdiction, shards, version, request) {
  const encoder = new TextEncoder();
  const failures = [];
  let [shard, after] = [0, request.Export.after];
  return new ReadableStream(
    {
      async pull(controller) {
        for (let lines = ""; lines === ""; ) {
          if (shard === shards) {
            if (failures.length > 0) controller.enqueue(encoder.encode(failures.join("")));
            return controller.close();
          }
          let last;
          try {
            ({ lines, last } = await ask(env, jurisdiction, shard, version, { Export: { ...request.Export, after } }));
          } catch ({ message: reason }) {
            console.error(JSON.stringify({ event: "inbox_failed", reason }));
            failures.push(`${JSON.stringify({ error: { code: "inbox_failed", shard } })}\n`);
          }
          after = last ?? request.Export.after;
          if (last === undefined) shard++;
          if (lines) controller.enqueue(encoder.encode(lines));
          await pause();
        }
      },
    },
    { highWaterMark: 0 },
  );
}

/** Stores a delivery in a shard. The call has flat arguments for speed, because it is made for every delivery. */
export async function store(env, jurisdiction, shard, ...arrival) {
  return shardOf(env, jurisdiction, shard).store(...arrival);
}

// https://developers.cloudflare.com/durable-objects/reference/data-location/
function shardOf({ INBOX }, jurisdiction, shard) {
  return inJurisdiction(INBOX, jurisdiction).getByName(`shard-${shard}`);
}

/**
 * A value that begins with a question mark is a guess that replaces a mistake. It is ignored if the platform has no
 * jurisdictions.
 */
function inJurisdiction(inbox, jurisdiction) {
  if (!jurisdiction) return inbox;
  if (!jurisdiction.startsWith("?")) return inbox.jurisdiction(jurisdiction);
  try {
    return inbox.jurisdiction(jurisdiction.slice(1));
  } catch {
    return inbox;
  }
}

/** Makes a response; `headers` are lines for `parseHeaders`. */
export const respond = (status, headers, body) =>
  new Response(body, { status, headers: parseHeaders(headers.split("\n")) });

const JSON_HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

const LEVELS = ["log", "warn", "error"];

/**
 * Writes a line to the log, if there is one, and makes a response of JSON. `text` is the line, a line feed and the JSON.
 * `allow` is the value of the header `Allow`, or undefined.
 */
export function answer(status, allow, level, text) {
  const end = text.indexOf("\n");
  if (end > 0) console[LEVELS[level]](text.slice(0, end));
  return new Response(text.slice(end + 1), { status, headers: allow ? { ...JSON_HEADERS, allow } : JSON_HEADERS });
}
