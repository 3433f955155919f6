// Sends the load from a separate process: a number of requests over a number of connections. Each connection sends the
// next request as soon as the previous one is answered. The process uses no HTTP library, because it must cost little
// compared with the measured Worker. Each request is an event of a new session, made and signed before the clock starts.
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { body, KEY } from "../bodies.mjs";
import { quantile } from "../rounds.mjs";
import { serve } from "./child.mjs";

const END = "\r\n\r\n";
const SESSION = "eb8af248-a970-46fa-bfb0-cb675b6780e1";
const TIMESTAMP = "2023-11-01T19:15:20.666248Z";

let sessions = 0;
const start = Date.now();

/** Returns a new session ID, as long as a UUID. */
const session = () => `${start.toString(16).padStart(16, "0")}-${(++sessions).toString(16).padStart(19, "0")}`;

/** Makes requests with bodies of `size` bytes. They share the memory of the part after the session. */
function requests({ host, path, size, count }) {
  const text = body(size).toString().replace(TIMESTAMP, new Date().toISOString().replace("Z", "000Z"));
  const [before, after] = text.split(SESSION);
  const tail = Buffer.from(after);
  return Array.from({ length: count }, () => {
    const unique = before + session();
    const signature = createHmac("sha256", KEY).update(unique).update(tail).digest("hex");
    const head = [
      `POST ${path} HTTP/1.1`,
      `host: ${host}`,
      "content-type: application/json",
      `content-length: ${size}`,
      `x-walnut-signature: ${signature}`,
    ].join("\r\n");
    const first = `${head}${END}${unique}`;
    return tail.length < 4096 ? [Buffer.from(first + after)] : [Buffer.from(first), tail];
  });
}

async function connection(port) {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Sends requests over one connection while `next` returns one. `took` gets the ms until each answer. */
function send(socket, next, took) {
  return new Promise((resolve, reject) => {
    let from;
    let answer = "";
    const more = () => {
      const request = next();
      if (request === undefined) return resolve();
      answer = "";
      from = performance.now();
      if (request.length > 1) socket.cork();
      for (const piece of request) socket.write(piece);
      if (request.length > 1) socket.uncork();
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed")));
    socket.on("data", (piece) => {
      answer += piece.latin1Slice();
      const end = answer.indexOf(END);
      if (end === -1) return;
      const [, length] = /\r\ncontent-length: (\d+)\r/i.exec(answer) ?? [];
      if (!answer.startsWith("HTTP/1.1 200 ") || length === undefined) return reject(new Error(`the answer is ${answer}`));
      if (answer.length < end + END.length + Number(length)) return;
      took(performance.now() - from);
      more();
    });
    more();
  });
}

serve(async ({ url, size, connections, count }) => {
  const { host, port, pathname } = new URL(url);
  const all = requests({ host, path: pathname, size, count });
  const sockets = await Promise.all(Array.from({ length: connections }, () => connection(port)));
  const latencies = [];
  let sent = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  await Promise.all(sockets.map((socket) => send(socket, () => all[sent++], (ms) => latencies.push(ms))));
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  for (const socket of sockets) socket.removeAllListeners("close").destroy();
  latencies.sort((a, b) => a - b);
  return { ms, p50: quantile(latencies, 0.5), p99: quantile(latencies, 0.99), cpuMs: (user + system) / 1000 };
});
