// Shared by the tests of the adapters: the requests that they send, and the receivers' options.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { MemoryStore, Webhook } from "walnut-webhooks";

export const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
export const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
export const webhook = new Webhook("key");
export const signature = webhook.sign(sample);

/** A promise, and the functions that settle it. */
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

/**
 * Posts a body, by default the sample as Walnut sends it. Returns the status, the type and the content of the answer.
 */
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

/** Opens a connection, and sends the head of a request and a part of its body. The rest never follows. */
export function begin(t, url, header, some, length = "Content-Length: 800") {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  t.after(() => socket.destroy());
  const signed = header === undefined ? "" : `X-Walnut-Signature: ${header}\r\n`;
  const head = `POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${signed}${length}`;
  socket.write(`${head}\r\n\r\n${some}`);
  return socket;
}

/** Reads a response that ends the connection, and returns its status and code. */
export async function finalResponse(socket) {
  let text = "";
  for await (const piece of socket) text += piece;
  assert.match(text, /^connection: close\r$/im);
  return [Number(text.split(" ")[1]), JSON.parse(text.split("\r\n\r\n")[1].match(/\{.*\}/)[0]).error.code];
}

/** Makes a store that records each call, and whose methods can be replaced. */
export function recordingStore(methods = {}) {
  const memory = new MemoryStore();
  const calls = [];
  const store = { calls };
  for (const name of ["begin", "done", "release"]) {
    store[name] = (...args) => {
      calls.push([name, ...args]);
      return (methods[name] ?? memory[name].bind(memory))(...args);
    };
  }
  store.names = () => calls.map(([name]) => name);
  return store;
}

/** Makes a function that throws. */
export const fail = (message) => () => {
  throw new Error(message);
};

/** Returns options whose `onReject` adds its arguments to `rejections`. `rejections.first` is a promise of the first error. */
export function recordRejections(options = {}) {
  const { promise: first, resolve } = deferred();
  const rejections = Object.assign([], { first });
  const onReject = (error, context) => {
    rejections.push([error, context]);
    resolve(error);
  };
  return { rejections, options: { onReject, ...options } };
}
