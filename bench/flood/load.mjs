// Sends the flood, and the genuine events in it, from a separate process. The process uses no HTTP library, because it
// must cost little compared with the measured Worker.
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { serve } from "../edge/child.mjs";

const END = "\r\n\r\n";
const DEMO = JSON.parse(readFileSync(join(import.meta.dirname, "../../tests/vectors/bodies/demo.json")));

/** The address of the genuine sender, and the address for the number of an attacker's network. */
const WALNUT = "192.0.2.10";
const stranger = (network) => `10.${network >> 8}.${network & 255}.${1 + (network % 250)}`;

const event = () =>
  JSON.stringify({ ...DEMO, timestamp: new Date().toISOString(), data: { ...DEMO.data, session_id: randomUUID() } });

function request({ host, pathname }, body, signature, address) {
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `host: ${host}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `cf-connecting-ip: ${address}`,
    `x-walnut-signature: ${signature}`,
  ].join("\r\n");
  return head + END + body;
}

/** Opens a connection. `ask` sends one request at a time, and resolves with the status of the response. */
async function connection({ hostname, port }) {
  const socket = connect({ port, host: hostname, noDelay: true });
  await once(socket, "connect");
  let [answer, settle] = ["", undefined];
  socket.on("data", (piece) => {
    answer += piece.latin1Slice();
    const end = answer.indexOf(END);
    if (end === -1) return;
    const [, length] = /\r\ncontent-length: (\d+)\r/i.exec(answer) ?? [];
    if (answer.length < end + END.length + Number(length)) return;
    const status = Number(answer.slice(9, 12));
    answer = "";
    settle.resolve(status);
  });
  const failed = () => settle?.reject(new Error("the connection was closed"));
  socket.on("error", failed).on("close", failed);
  const ask = (text) => {
    settle = deferred();
    socket.write(text);
    return settle.promise;
  };
  return { ask, end: () => socket.removeAllListeners("close").destroy() };
}

function deferred() {
  const settle = {};
  settle.promise = new Promise((resolve, reject) => Object.assign(settle, { resolve, reject }));
  return settle;
}

/**
 * For each question, sends `forged` forgeries from `networks` networks over `connections` connections. Meanwhile it sends
 * `genuine` events signed with `key` over one more connection. Without `genuine`, it sends events until the forgeries are
 * sent. `first` is the number of the first forgery. Returns the bodies of the events, how often each status was answered,
 * and the latencies of the events in ms.
 */
serve(async ({ url, key, forged, networks, connections, first = 0, genuine }) => {
  const target = new URL(url);
  const sockets = await Promise.all(Array.from({ length: connections + 1 }, () => connection(target)));
  const [walnut, ...strangers] = sockets;
  const answers = { genuine: {}, forged: {} };
  const count = (kind, status) => (answers[kind][status] = (answers[kind][status] ?? 0) + 1);
  const [bodies, latencies] = [[], []];
  let sent = 0;
  const forge = async ({ ask }) => {
    while (sent < forged) {
      const n = first + sent++;
      count("forged", await ask(request(target, event(), randomBytes(32).toString("hex"), stranger(n % networks))));
    }
  };
  const send = async () => {
    for (let n = 0; genuine === undefined ? sent < forged : n < genuine; n++) {
      // The genuine events are spread over the flood.
      while (genuine !== undefined && sent < (forged * n) / genuine) await new Promise((resolve) => setTimeout(resolve, 1));
      const body = event();
      const text = request(target, body, createHmac("sha256", key).update(body).digest("hex"), WALNUT);
      const from = performance.now();
      count("genuine", await walnut.ask(text));
      latencies.push(performance.now() - from);
      bodies.push(body);
    }
  };
  const from = performance.now();
  await Promise.all([send(), ...strangers.map(forge)]);
  const ms = performance.now() - from;
  for (const { end } of sockets) end();
  return { ms, answers, bodies, latencies };
});
