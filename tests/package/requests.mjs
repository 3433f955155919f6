// What the adapters' tests send, and how.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { Webhook } from "walnut-webhooks";

export const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
export const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
export const webhook = new Webhook("key");
export const signature = webhook.sign(sample);

/** A promise and what settles it. */
export function deferred() {
  let resolve;
  const promise = new Promise((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Waits for a server to listen on loopback, ends it with the test, and returns the URL of its webhook. */
export async function listening(t, server) {
  if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}/webhook`;
}

/** Posts a body, by default the sample as Walnut sends it; returns status, type and what the answer says. */
export function post(url, { body = sample, header = webhook.sign(body), chunked = false, agent = false } = {}) {
  const headers = { "content-type": "application/json", ...(header === null ? {} : { "X-Walnut-Signature": header }) };
  Object.assign(headers, chunked ? { "transfer-encoding": "chunked" } : { "content-length": body.length });
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers, agent }, async (response) => {
      const pieces = [];
      for await (const piece of response) pieces.push(piece);
      const { error, ...rest } = JSON.parse(Buffer.concat(pieces));
      const type = response.headers["content-type"];
      resolve({ status: response.statusCode, type, code: error?.code, message: error?.message, ...rest });
    });
    sent.on("error", reject).end(body);
  });
}

/** Opens a connection and sends the head of a request and some of its body; the rest never comes. */
export function begin(t, url, header, some, length = "Content-Length: 800") {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  t.after(() => socket.destroy());
  const signed = header === undefined ? "" : `X-Walnut-Signature: ${header}\r\n`;
  const head = `POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${signed}${length}`;
  socket.write(`${head}\r\n\r\n${some}`);
  return socket;
}
