// The destinations of the soak. At most twice for each event, a destination fails in one of ten ways, or accepts the event with
// an unusual response. Then it accepts the event normally.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { Readable, pipeline } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The longest wait that a destination asks for, in seconds. */
const RETRY_AFTER_S = 1;

/** How many unusual answers an event gets from one destination. The limit is low, because the wait doubles after each failure. */
const MAX_FAILURES = 2;

/** The time between two bytes of a slow answer, in ms. */
const BYTE_MS = 2;

const HEAD = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n";
const BODY = "taken";
const WHOLE = HEAD + BODY;
const chunk = Buffer.alloc(64 << 10);

/** Sends the last bytes of a 2xx answer. Resolves with whether they were sent. */
const ends = (socket, text) => new Promise((resolve) => socket.end(text, (error) => resolve(!error)));

/**
 * The unusual answers: ten that fail, and four that accept. Each returns whether it sent a 2xx, regardless of its body.
 */
const KINDS = {
  status500: ({ response }) => void response.writeHead(500).end(),
  status404: ({ response }) => void response.writeHead(404).end(),
  status429: ({ response }) => void response.writeHead(429, { "retry-after": RETRY_AFTER_S }).end(),
  status503: ({ response }) => void response.writeHead(503, { "retry-after": RETRY_AFTER_S }).end(),
  redirect: ({ response }) => void response.writeHead(307, { location: "/redirected" }).end(),
  reset: ({ socket }) => void socket.resetAndDestroy(),
  hang: () => {},
  garbage: ({ socket }) => void socket.end("This is not HTTP.\r\n\r\n"),
  headCutOff: ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\ncontent-le"),
  earlyHints: ({ socket }) => void socket.end(`HTTP/1.1 103 Early Hints\r\n\r\n${WHOLE}`),
  half: ({ socket }) => ends(socket, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ntaken"),
  byteByByte: async ({ socket }) => {
    const isSent = async (text) => {
      for (const byte of text) {
        await sleep(BYTE_MS);
        if (await new Promise((resolve) => socket.write(byte, resolve))) return false;
      }
      return true;
    };
    if (!(await isSent(HEAD))) return false;
    // The edge has its answer now. On a busy machine, it stops reading before the end of the body.
    if (await isSent(BODY)) socket.end();
    return true;
  },
  endless: ({ response }) => {
    const body = Readable.from((function* () {
      for (;;) yield chunk;
    })());
    pipeline(body, response, () => {}); // ends when the edge closes the connection
    return true;
  },
  cutOff: ({ socket }) => ends(socket, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\ntaken\r\n"),
};
const names = Object.keys(KINDS);

/** How many times all destinations have served each kind. */
export const served = Object.fromEntries(names.map((name) => [name, 0]));

/**
 * Starts a destination. `failing` is the share of attempts with an unusual answer. `check(body, headers)` returns the
 * session of a request, and `taken(session)` is called when the destination has accepted the event. `followed` counts the
 * redirects that the edge followed.
 */
export async function startOrigin(name, { seed, failing, check, taken }) {
  const attempts = new Map();
  const origin = { followed: 0 };
  const server = createServer(async (request, response) => {
    const pieces = [];
    try {
      for await (const piece of request) pieces.push(piece);
    } catch {
      return; // the edge was killed while it was sending
    }
    if (request.url === "/redirected") origin.followed++;
    const session = check(Buffer.concat(pieces), request.headers);
    const attempt = attempts.get(session) ?? 0;
    attempts.set(session, attempt + 1);
    const kind = attempt < MAX_FAILURES && draw(failing, seed, name, session, attempt);
    if (kind) {
      served[kind]++;
      if (await KINDS[kind]({ response, socket: request.socket })) taken(session);
      return;
    }
    response.end("taken");
    await finished(response).then(() => taken(session), () => {}); // on an error, the edge was killed while it was reading
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  origin.url = `http://127.0.0.1:${server.address().port}/`;
  origin.stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return origin;
}

/**
 * Returns a kind of answer, or `undefined` for a normal one. The result depends only on the seed and the attempt, not on the
 * order of calls.
 */
function draw(failing, ...parts) {
  const digest = createHash("sha256").update(parts.join("/")).digest();
  if (digest.readUInt32LE(0) >= failing * 2 ** 32) return undefined;
  return names[digest.readUInt32LE(4) % names.length];
}
