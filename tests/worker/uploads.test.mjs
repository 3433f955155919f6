// The memory for incomplete bodies: how much an isolate holds, and when it is freed.
import { equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import WebSocket from "ws";
import { event, eventually, half, post, sign, start } from "./support.mjs";

const MIB = 1 << 20;
const MOST = 32 * MIB;
const FORGED = { "x-walnut-signature": "0".repeat(64) };

/** Starts an edge. `buffers` returns the size of its isolate's buffers, and `overloaded` counts rejected requests. */
async function inspected(t) {
  const started = await start(t, {}, { inspector: true });
  const { host } = new URL(await started.edge.inspected());
  const targets = await (await fetch(`http://${host}/json/list`)).json();
  const socket = new WebSocket(targets.find(({ webSocketDebuggerUrl: url }) => url.includes("core:user:")).webSocketDebuggerUrl);
  t.after(() => socket.close());
  await once(socket, "open");
  const buffers = async () => {
    socket.send(JSON.stringify({ id: 1, method: "Runtime.getHeapUsage" }));
    const [message] = await once(socket, "message");
    return JSON.parse(message).result.backingStorageSize;
  };
  const overloaded = () => started.lines.filter((line) => line.includes('"overloaded"')).length;
  return { ...started, buffers, overloaded };
}

/** Begins `count` uploads, of a declared length or chunked. Each sends `bytes` bytes. */
const uploads = (t, edge, count, bytes, declared) =>
  Array.from({ length: count }, () => {
    const [header, piece] = declared ? [`Content-Length: ${declared}`, ""] : ["Transfer-Encoding: chunked", `${MIB.toString(16)}\r\n`];
    const socket = half(t, edge, [`X-Walnut-Signature: ${"0".repeat(64)}`, header], piece);
    socket.write(Buffer.alloc(bytes));
    return socket;
  });

for (const bytes of [0, 100_000, MIB - 20_000]) {
  for (const declared of [undefined, MIB]) {
    const title = `${bytes} bytes sent, ${declared ? "with a declared length" : "chunked"}`;
    test(`frees the memory of 200 stalled uploads when their clients leave: ${title}`, { timeout: 600_000 }, async (t) => {
      const { edge, lines, buffers, overloaded } = await inspected(t);
      const sockets = uploads(t, edge, 200, bytes, declared);
      // Each upload has at least a first piece.
      if (bytes < MIB / 2) await eventually(async () => (await buffers()) >= 200 * Math.max(bytes, 4096));
      else await eventually(() => overloaded() >= 167);
      const held = await buffers();
      ok(held <= MOST + MIB, `${held} bytes are held`);
      for (const socket of sockets) socket.destroy();
      const left = Date.now();
      await eventually(async () => (await buffers()) <= MIB);
      t.diagnostic(`held: ${held} bytes; freed after ${Date.now() - left} ms`);
      await eventually(() => lines.filter((line) => /"(overloaded|body_cut_off)"/.test(line)).length === 200);
    });
  }
}

test("frees the memory of stalled uploads when they time out", { timeout: 600_000 }, async (t) => {
  const { edge, lines, buffers } = await inspected(t);
  uploads(t, edge, 10, MIB - 20_000);
  await eventually(async () => (await buffers()) >= 9 * MIB);
  await eventually(() => lines.filter((line) => line.includes('"body_timeout"')).length === 10);
  await eventually(async () => (await buffers()) <= MIB);
});

test("holds 32 MiB of unfinished bodies, and answers 503 overloaded to further ones", { timeout: 600_000 }, async (t) => {
  const { edge, url, overloaded } = await inspected(t);
  // Each upload has sent 15 pieces of 4 KiB, and has room for one more.
  const [first] = uploads(t, edge, MOST / 65_536, 15 * 4096);
  let refused = 0;
  await eventually(async () => {
    const { status, code } = await post(url, "x", FORGED);
    if (status === 401) return false;
    equal(`${status} ${code}`, "503 overloaded");
    return ++refused;
  });
  equal(overloaded(), refused); // no upload was rejected
  first.destroy();
  await eventually(async () => (await post(url, "x", FORGED)).status === 401);
  equal((await post(url, event())).status, 200);
});

test("accepts genuine events while 512 uploads declare 64 KiB and send one byte", { timeout: 600_000 }, async (t) => {
  const { edge, url, buffers } = await inspected(t);
  uploads(t, edge, 512, 1, 65_536);
  // Half of the room goes to the uploads that declared it first. Each of the others gets 4 KiB. The last event is sent
  // after they have it.
  let isLast;
  do {
    isLast = (await buffers()) >= 256 * 4096;
    const { status, code } = await post(url, event());
    equal(`${status} ${code}`, "200 undefined");
  } while (!isLast);
});

for (const bytes of [65_536, 65_537, 300_000, MIB]) {
  test(`receives a genuine body of ${bytes} bytes whole, with a declared length and without`, async (t) => {
    const { url, origin } = await start(t);
    const body = event({ padding: "x".repeat(bytes - event({ padding: "" }).length) });
    const headers = { "x-walnut-signature": sign(body) };
    equal((await post(url, body, headers)).status, 200);
    const response = await fetch(url, { method: "POST", headers, body: new Blob([body]).stream(), duplex: "half" });
    equal(response.status, 200);
    await origin.took(2);
    for (const taken of origin.taken) equal(taken.body.toString(), body);
    equal(origin.taken.length, 2);
  });
}
