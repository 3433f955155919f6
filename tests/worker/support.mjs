import { createHash, createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { startEdge } from "../../tools/edge.mjs";

export const KEY = "walnut-webhooks-vectors";

/** Forwards at once, to an origin on this machine. */
export const DIRECT = { MODE: "direct", ALLOW_LOOPBACK: "1" };

export const sign = (body, key = KEY) => createHmac("sha256", key).update(body).digest("hex");
export const sha256 = (body) => createHash("sha256").update(body).digest("hex");

/** A real origin. `answer(request, response)` may be replaced; `taken` holds each request with its body. */
export async function startOrigin() {
  const origin = { taken: [], answer: (_, response) => response.end("taken") };
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    origin.taken.push({ headers: request.headers, method: request.method, body: Buffer.concat(pieces) });
    origin.answer(request, response);
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
 * An edge in front of `origin`, both ended with the test; a binding that is `undefined` is left out. `lines` is its log, and `logged(part)` waits for
 * the first line with `part` in it.
 */
export async function start(t, bindings = {}, options = {}) {
  const origin = await startOrigin();
  t.after(origin.stop);
  const lines = [];
  const log = new EventEmitter();
  const all = { ...DIRECT, WALNUT_WEBHOOK_KEY: KEY, ORIGIN_URL: origin.url, ...bindings };
  const edge = await startEdge({
    bindings: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    log: (line) => {
      lines.push(line);
      log.emit("line");
    },
    ...options,
  });
  t.after(edge.stop);
  const logged = async (part) => {
    for (;;) {
      const line = lines.find((line) => line.includes(part));
      if (line !== undefined) return line;
      await once(log, "line");
    }
  };
  return { edge, origin, lines, logged, url: `${edge.url}/webhook` };
}

/** Posts a body and returns the status and the code of the error, if there is one. */
export async function post(url, body, headers = { "x-walnut-signature": sign(body) }) {
  const response = await fetch(url, { method: "POST", body, headers });
  const answer = await response.json();
  return { status: response.status, code: answer.error?.code };
}

/** A promise and what settles it. */
export function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}
