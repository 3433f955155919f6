// The platform's functions for Rust. They decide nothing. Each does as much as possible in one call, since calls from
// Rust are what costs time.

/** How many bytes are read at a time if the length is unknown. */
const PIECE = 16_384;

/**
 * Reads a body to its end. `declared` is the declared length, or 0. Resolves with `null` if the body is longer than
 * `limit`; at most `grace` bytes more are read, so that the sender receives the response. Resolves with `undefined` if
 * the body is not complete within `ms`.
 */
export function read(request, declared, limit, grace, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    readAll(request, declared, limit, grace).then(
      (body) => {
        clearTimeout(timer);
        resolve(body);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

async function readAll(request, declared, limit, grace) {
  if (declared > 0 && declared <= limit && isAsLongAsDeclared(request)) return new Uint8Array(await request.arrayBuffer());
  const pieces = [];
  const length = await drain(request.body, limit + grace, (piece, sum) => {
    if (sum <= limit) pieces.push(piece);
  });
  return length <= limit ? join(pieces, length) : null;
}

/**
 * Posts a body, and reads the response to its end, within `ms` milliseconds and `limit` bytes. `headers` are lines: each
 * name is followed by its value. Resolves with the status, or 0; `Retry-After`, or undefined; and "complete", "late" or
 * "failed". "complete" means a 2xx status and a complete response.
 */
export async function post(url, headers, body, ms, limit) {
  const controller = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    controller.abort();
  }, ms);
  let status = 0;
  let retryAfter;
  let complete = false;
  try {
    const init = { method: "POST", headers: parseHeaders(headers), body, redirect: "manual", signal: controller.signal };
    const response = await fetch(url, init);
    status = response.status;
    retryAfter = response.headers.get("retry-after") ?? undefined;
    // The body matters only if the destination accepted the delivery.
    if (response.ok) complete = await isComplete(response, limit);
  } catch {
    // Whatever failed, the response is not complete.
  }
  clearTimeout(timer);
  if (!complete) controller.abort();
  return [status, retryAfter, complete ? "complete" : late ? "late" : "failed"];
}

/** Tells whether `content-length` is the length of the body, which it is not if the body is chunked or compressed. */
const isAsLongAsDeclared = ({ headers }) => !headers.has("transfer-encoding") && !headers.has("content-encoding");

/** Reads a response to its end; resolves with whether it was complete within `limit` bytes. */
async function isComplete(response, limit) {
  const declared = Number(response.headers.get("content-length") ?? NaN);
  if (declared <= limit && isAsLongAsDeclared(response)) return (await response.arrayBuffer()).byteLength === declared;
  return (await drain(response.body, limit)) <= limit;
}

/** Reads a stream to its end, or until it is longer than `limit` bytes; resolves with how many bytes were read. */
async function drain(stream, limit, receive) {
  if (!stream) return 0;
  const reader = stream.getReader({ mode: "byob" });
  let length = 0;
  for (;;) {
    const { value, done } = await reader.readAtLeast(PIECE, new Uint8Array(PIECE));
    if (value) {
      length += value.byteLength;
      receive?.(value, length);
    }
    // Only the last piece is shorter than requested.
    if (done || value.byteLength < PIECE || length > limit) return length;
  }
}

function join(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/** Makes an object of lines of headers: the platform takes twice as long for an array of pairs. */
function parseHeaders(lines) {
  const parts = lines.split("\n");
  const headers = { __proto__: null };
  for (let at = 0; at + 1 < parts.length; at += 2) headers[parts[at]] = parts[at + 1];
  return headers;
}

/** Resolves with the SHA-256 of a prefix and a body. */
export async function sha256(prefix, body) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", join([prefix, body], prefix.byteLength + body.byteLength)));
}

/** Sends a request to a shard of the inbox; resolves with the reply. */
export async function ask(env, jurisdiction, shard, version, request) {
  return shardOf(env, jurisdiction, shard).ask(version, shard, request);
}

/** Sends each shard a request of its own, all at the same time. */
export async function askAll(env, jurisdiction, version, requests) {
  return Promise.all(requests.map((request, shard) => ask(env, jurisdiction, shard, version, request)));
}

/** Stores a delivery in a shard: a flat call, since it is sent for every delivery. */
export async function store(env, jurisdiction, shard, ...arrival) {
  return shardOf(env, jurisdiction, shard).store(...arrival);
}

// https://developers.cloudflare.com/durable-objects/reference/data-location/
function shardOf({ INBOX }, jurisdiction, shard) {
  return (jurisdiction ? INBOX.jurisdiction(jurisdiction) : INBOX).getByName(`shard-${shard}`);
}

/** Makes a response; `headers` are lines, as above. */
export const respond = (status, headers, body) => new Response(body, { status, headers: parseHeaders(headers) });
