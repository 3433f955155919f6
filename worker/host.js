// What Rust has the platform do: it carries, and decides nothing. Each call is one crossing for Rust,
// since those are what costs.

/** How many bytes are asked for at a time where nobody can say how many will come. */
const PIECE = 16_384;

/**
 * Reads a body to its end, but of one that is longer than `most` only so much more that who ends there
 * hears the answer: `null` then. `declared` is the length that was declared, or 0. What has not come
 * completely in `ms` is `undefined`: it is read no further once that has been answered.
 */
export function read(request, declared, most, grace, ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    whole(request, declared, most, grace).then(
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

async function whole(request, declared, most, grace) {
  if (declared > 0 && declared <= most && isAsLongAsDeclared(request)) return new Uint8Array(await request.arrayBuffer());
  const pieces = [];
  const length = await drain(request.body, most + grace, (piece, sum) => {
    if (sum <= most) pieces.push(piece);
  });
  return length <= most ? joined(pieces, length) : null;
}

/**
 * Posts a body, and reads the answer to its end, if that comes in `ms` and in `most` bytes. `headers`
 * are lines: a name, and then its value. Returns the status, or 0; `Retry-After`, or undefined; and
 * whether the answer was complete: else it did not come in time, or something failed.
 */
export async function post(url, headers, body, ms, most) {
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
    const init = { method: "POST", headers: named(headers), body, redirect: "manual", signal: controller.signal };
    const response = await fetch(url, init);
    status = response.status;
    retryAfter = response.headers.get("retry-after") ?? undefined;
    // Of a refusal, the status is enough.
    if (response.ok) complete = await isComplete(response, most);
  } catch {
    // Whatever it was, the answer is not complete.
  }
  clearTimeout(timer);
  if (!complete) controller.abort();
  return [status, retryAfter, complete ? "complete" : late ? "late" : "failed"];
}

/** Whether a body is as long as its headers say: where it is chunked as well, they may lie, and not where it is coded. */
const isAsLongAsDeclared = ({ headers }) => !headers.has("transfer-encoding") && !headers.has("content-encoding");

/** Reads an answer to its end, and says whether that came within so many bytes. */
async function isComplete(response, most) {
  const declared = Number(response.headers.get("content-length") ?? NaN);
  if (declared <= most && isAsLongAsDeclared(response)) return (await response.arrayBuffer()).byteLength === declared;
  return (await drain(response.body, most)) <= most;
}

/** Reads a stream, and stops at its end or after `most` bytes; returns how many there were. */
async function drain(stream, most, take) {
  if (!stream) return 0;
  const reader = stream.getReader({ mode: "byob" });
  let length = 0;
  for (;;) {
    const { value, done } = await reader.readAtLeast(PIECE, new Uint8Array(PIECE));
    if (value) {
      length += value.byteLength;
      take?.(value, length);
    }
    // Fewer than were asked for come at the end only.
    if (done || value.byteLength < PIECE || length > most) return length;
  }
}

function joined(pieces, length) {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.byteLength;
  }
  return all;
}

/** As an object, since the platform takes twice as long over pairs. */
function named(lines) {
  const parts = lines.split("\n");
  const headers = { __proto__: null };
  for (let at = 0; at + 1 < parts.length; at += 2) headers[parts[at]] = parts[at + 1];
  return headers;
}

/** Returns the SHA-256 of a prefix and a body. */
export async function sha256(prefix, body) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", joined([prefix, body], prefix.byteLength + body.byteLength)));
}

/** Asks a shard of the inbox to do something; an answer of its own is returned, a failure thrown. */
export async function ask(env, jurisdiction, shard, operation, question) {
  return shardOf(env, jurisdiction, shard).ask(shard, operation, question);
}

/** Asks all shards, each its own question, at the same time. */
export async function askAll(env, jurisdiction, operation, questions) {
  return Promise.all(questions.map((question, shard) => ask(env, jurisdiction, shard, operation, question)));
}

/** Stores a delivery in a shard: what is asked most has no need of a name. */
export async function store(env, jurisdiction, shard, arrival) {
  return shardOf(env, jurisdiction, shard).store(arrival);
}

// https://developers.cloudflare.com/durable-objects/reference/data-location/
function shardOf({ INBOX }, jurisdiction, shard) {
  return (jurisdiction ? INBOX.jurisdiction(jurisdiction) : INBOX).getByName(`shard-${shard}`);
}

/** Makes an answer; `headers` are lines, as above. */
export const respond = (status, headers, body) => new Response(body, { status, headers: named(headers) });
