import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as Svix } from "svix";
import { FAILPOINTS_BUILD } from "../../tools/edge.mjs";
import { admin, deferred, DURABLE, event, eventually, half, KEY, post, sha256, sign, start, startOrigin, TOKEN } from "./support.mjs";

const sample = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"));
const LIMIT = 1 << 20;

test("a genuine delivery reaches the origin byte for byte, with the headers that describe it", async (t) => {
  const { url, origin, lines, logged } = await start(t);
  const signature = sign(sample);
  const headers = { "x-walnut-signature": signature, "content-type": "application/json; charset=utf-8" };
  assert.deepEqual(await post(url, sample, headers), { status: 200, code: undefined });

  const [taken, ...more] = origin.taken;
  assert.equal(more.length, 0);
  assert.equal(taken.method, "POST");
  assert.equal(sha256(taken.body), sha256(sample));
  const { "x-walnut-signature": kept, "content-type": type, ...rest } = taken.headers;
  assert.deepEqual([kept, type], [signature, "application/json; charset=utf-8"]);
  assert.equal(rest["walnut-delivery-id"], "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1");
  assert.equal(rest["walnut-delivery-name"], "demo_session_finished");
  assert.equal(rest["walnut-delivery-type"], "demo_session_finished");
  assert.equal(rest["walnut-key"], "current");

  await logged('"event":"delivered"');
  const log = lines.join("\n");
  for (const secret of [KEY, signature, "someone-awesome"]) assert.ok(!log.includes(secret), secret);
});

test("forwards a content type only if any origin can accept it", async (t) => {
  const { edge, origin } = await start(t);
  const { host, hostname, port } = new URL(edge.url);
  const ours = "application/json";
  const long = (bytes) => `${ours};`.padEnd(bytes, "x");
  const sent = [
    ["text/plain; charset=utf-8", "text/plain; charset=utf-8"],
    [long(256), long(256)],
    [long(257), ours],
    [long(20_000), ours],
    ["a\x01b", ours],
    ["a\x7f", ours],
    ["a\tb", ours],
    ["a\xe9", ours],
    ["", ours],
    [undefined, ours],
  ];
  for (const [type, expected] of sent) {
    // Sent over a socket, because clients send no control characters.
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    const line = type === undefined ? "" : `Content-Type: ${type}\r\n`;
    const head = `POST /webhook HTTP/1.1\r\nHost: ${host}\r\nX-Walnut-Signature: ${sign(sample)}\r\nContent-Length: ${sample.length}\r\n`;
    socket.write(Buffer.concat([Buffer.from(`${head}${line}\r\n`, "latin1"), sample]));
    const [answer] = await once(socket, "data");
    assert.match(String(answer), /^HTTP\/1\.1 200 /, JSON.stringify(type));
    assert.equal(origin.taken.at(-1).headers["content-type"], expected, JSON.stringify(type));
  }
  assert.equal(origin.taken.length, sent.length);
});

test("rejects each forgery with its own code", async (t) => {
  const { url, origin } = await start(t);
  const signature = sign(sample);
  const changed = Buffer.from(sample.toString().replace("demo_session_finished", "demo_session_finishee"));
  const code = async (body, value) => post(url, body, value === undefined ? {} : { "x-walnut-signature": value });
  assert.deepEqual(await code(changed, signature), { status: 401, code: "signature_mismatch" });
  assert.deepEqual(await code(sample, undefined), { status: 401, code: "missing_signature" });
  assert.deepEqual(await code(sample, signature.toUpperCase()), { status: 401, code: "malformed_signature" });
  assert.equal(origin.taken.length, 0);
});

test("accepts one path and one method, and has a separate path for health", async (t) => {
  const { edge } = await start(t, { WEBHOOK_PATH: "/hooks/walnut" });
  const ask = async (method, path) => {
    const response = await fetch(edge.url + path, { method });
    const text = await response.text();
    return [response.status, text && (JSON.parse(text).error?.code ?? "ok"), response.headers.get("allow")];
  };
  assert.deepEqual(await ask("GET", "/healthz"), [200, "ok", null]);
  assert.deepEqual(await ask("HEAD", "/healthz"), [200, "", null]);
  assert.deepEqual(await ask("PROPFIND", "/healthz"), [405, "method_not_allowed", "GET, HEAD"]);
  assert.deepEqual(await ask("POST", "/healthz"), [405, "method_not_allowed", "GET, HEAD"]);
  assert.deepEqual(await ask("GET", "/hooks/walnut"), [405, "method_not_allowed", "POST"]);
  assert.deepEqual(await ask("PUT", "/hooks/walnut"), [405, "method_not_allowed", "POST"]);
  assert.deepEqual(await ask("POST", "/hooks/walnut"), [401, "missing_signature", null]);
  assert.deepEqual(await ask("POST", "/webhook"), [404, "not_found", null]);
  assert.deepEqual(await ask("POST", "/hooks/walnut/"), [401, "missing_signature", null]);
  assert.deepEqual(await ask("POST", "/hooks/walnut//"), [404, "not_found", null]);
});

test("rejects a request by its head before its body arrives", { timeout: 600_000 }, async (t) => {
  const { edge } = await start(t);
  const { host, hostname, port } = new URL(edge.url);
  const signature = `X-Walnut-Signature: ${"0".repeat(64)}\r\n`;
  const heads = [
    ["PUT /webhook", `${signature}Content-Length: 800`, 405, "method_not_allowed"],
    ["POST /elsewhere", `${signature}Content-Length: 800`, 404, "not_found"],
    ["POST /webhook", "Content-Length: 800", 401, "missing_signature"],
    ["POST /webhook", "Transfer-Encoding: chunked", 401, "missing_signature"],
    ["POST /webhook", "X-Walnut-Signature: zz\r\nContent-Length: 800", 401, "malformed_signature"],
    ["POST /webhook", `${signature}Content-Length: ${LIMIT + 1}`, 413, "body_too_large"],
  ];
  for (const [line, headers, status, code] of heads) {
    const socket = connect(Number(port), hostname);
    t.after(() => socket.destroy());
    socket.write(`${line} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n`); // no body follows
    let answer = "";
    for await (const piece of socket) {
      answer += piece;
      if (answer.includes("}}")) break;
    }
    assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} .*"code":"${code}"`, "s"));
  }
});

const FORGED = `X-Walnut-Signature: ${"0".repeat(64)}`;

/** Sends a part of a body, and closes the connection. */
async function breaksOff(t, edge) {
  const socket = half(t, edge, [FORGED, "Transfer-Encoding: chunked"], "3\r\nabc\r\n");
  socket.end();
  socket.resume();
  await once(socket, "close");
}

/** Sends a part of a body, and waits until the edge ends the connection. */
async function stalls(t, edge, length = "Content-Length: 1000", begun = "half") {
  let answer = "";
  for await (const piece of half(t, edge, [FORGED, length], begun)) answer += piece;
  assert.match(answer, /^HTTP\/1\.1 408 .*"code":"body_timeout"/s);
}

test("an interrupted body counts neither as too long nor as a forgery", { timeout: 600_000 }, async (t) => {
  const { edge, logged, lines, caughtUp } = await start(t);
  await breaksOff(t, edge);
  await logged('"body_cut_off"');
  await caughtUp();
  assert.deepEqual(lines.filter((line) => /body_too_large|signature_mismatch|explained/.test(line)), []);
});

test("accepts a slow body, and ends a request whose body is late", { timeout: 600_000 }, async (t) => {
  const { edge, lines, caughtUp } = await start(t);
  const slow = async () => {
    const body = event();
    const signed = [`X-Walnut-Signature: ${sign(body)}`, `Content-Length: ${Buffer.byteLength(body)}`];
    const socket = half(t, edge, signed, body.slice(0, 10));
    await setTimeout(5000);
    socket.write(body.slice(10));
    assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 200 /);
  };
  await Promise.all([slow(), stalls(t, edge), stalls(t, edge, "Transfer-Encoding: chunked", "4\r\nhalf\r\n")]);
  await caughtUp();
  assert.equal(lines.filter((line) => line.includes('"body_timeout"')).length, 2);
  assert.deepEqual(lines.filter((line) => /body_too_large|signature_mismatch|explained/.test(line)), []);
});

test("counts a forgery as a failure, but not an interrupted or stalled body", { timeout: 600_000 }, async (t) => {
  const { edge, url, logged } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  await Promise.all([breaksOff(t, edge), stalls(t, edge)]);
  await logged('"body_cut_off"');
  // The first counted rejection makes the isolate report all that it has counted.
  assert.deepEqual(await post(url, sample, { "x-walnut-signature": "0".repeat(64) }), { status: 401, code: "signature_mismatch" });
  const failures = await eventually(async () => {
    const { failures } = await admin(edge).ask("GET", "status");
    return Object.keys(failures).length > 0 && failures;
  });
  assert.deepEqual(failures, { signature_mismatch: 1 });
});

test("accepts a body at the limit and rejects a longer one, declared or not", async (t) => {
  const { url, origin } = await start(t);
  const chunked = (body) =>
    fetch(url, {
      method: "POST",
      duplex: "half",
      headers: { "x-walnut-signature": sign(body) },
      body: new Blob([body]).stream(),
    });
  const most = Buffer.alloc(LIMIT, "x");
  assert.equal((await post(url, most)).status, 200);
  assert.equal((await chunked(most)).status, 200);
  assert.deepEqual(origin.taken.map(({ body }) => sha256(body)), [sha256(most), sha256(most)]);

  const over = Buffer.alloc(LIMIT + 1, "x");
  assert.deepEqual(await post(url, over), { status: 413, code: "body_too_large" });
  assert.equal((await chunked(over)).status, 413);
  assert.equal((await chunked(Buffer.alloc(LIMIT + 32768, "x"))).status, 413);
  assert.equal(origin.taken.length, 2);
});

test("answers 413 to a declared length over the limit, even for the first request", async (t) => {
  const { url, lines, caughtUp } = await start(t, DURABLE);
  const socket = half(t, { url }, [`X-Walnut-Signature: ${sign("")}`, `Content-Length: ${LIMIT + 1}`], "");
  assert.match(String(...(await once(socket, "data"))), /^HTTP\/1\.1 413 /);
  await caughtUp();
  assert.deepEqual(lines.filter((line) => line.includes("trapped")), []);
});

test(
  "stops reading a body of undeclared length within 64 KiB past the limit",
  { timeout: 600_000, skip: process.platform !== "linux" && "the unread bytes of a socket are read from /proc" },
  async (t) => {
    const { edge, logged } = await start(t);
    const { host, hostname, port } = new URL(edge.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    const unread = queued.bind(undefined, socket.localPort, Number(port));
    let answer = "";
    socket.on("data", (data) => (answer += data)).on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write(
      `POST /webhook HTTP/1.1\r\nHost: ${host}\r\nX-Walnut-Signature: ${"0".repeat(64)}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const ended = () => answer !== "" || socket.destroyed;
    let sent = 0;
    const send = (bytes) => {
      socket.write(`${bytes.toString(16)}\r\n${"x".repeat(bytes)}\r\n`);
      sent += bytes;
      return eventually(() => ended() || socket.writableLength + unread() === 0);
    };
    // Near the limit, each piece is sent only after the previous one has been read, so that the sockets' buffers hold no
    // unread bytes.
    await send(LIMIT - 65536);
    while (!ended() && sent < 4 * LIMIT) await send(4096);
    // If the client continues to send, the reset of the connection may overtake the answer.
    assert.match(answer, /^(HTTP\/1\.1 413 |$)/);
    await logged("body_too_large");
    assert.ok(sent > LIMIT, `${sent} bytes were sent`);
    assert.ok(sent <= LIMIT + 65536, `${sent - LIMIT} bytes were read past the limit`);
    socket.destroy();
    await closed;
  },
);

/** Returns how many bytes between two loopback ports were sent but not read. */
function queued(from, to) {
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  let bytes = 0;
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local, remote, , queues] = line.trim().split(/\s+/);
    if (local === undefined) continue;
    const [sending, receiving] = queues.split(":").map((digits) => parseInt(digits, 16));
    const ports = [local, remote].map((address) => address.split(":")[1]).join();
    if (ports === [hex(from), hex(to)].join()) bytes += sending;
    if (ports === [hex(to), hex(from)].join()) bytes += receiving;
  }
  return bytes;
}

test("a declared length does not allow a longer chunked body", { timeout: 600_000 }, async (t) => {
  const { edge, logged } = await start(t);
  const { host, hostname, port } = new URL(edge.url);
  const socket = connect(Number(port), hostname);
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  const head = `POST /webhook HTTP/1.1\r\nHost: ${host}\r\nX-Walnut-Signature: ${"0".repeat(64)}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const length = LIMIT + 65536;
  socket.write(`${head}${length.toString(16)}\r\n${"x".repeat(length)}`); // the end never follows
  await logged("body_too_large");
});

test("answers 200 to any 2xx of the origin, and 502 to any other status, including a redirect", async (t) => {
  const { url, origin } = await start(t);
  const statuses = { 200: 200, 201: 200, 202: 200, 204: 200, 299: 200, 300: 502, 301: 502, 307: 502, 400: 502, 404: 502, 429: 502, 500: 502, 503: 502 };
  for (const [status, expected] of Object.entries(statuses)) {
    origin.answer = (_, response) => response.writeHead(Number(status), { location: "/elsewhere" }).end();
    const { code } = expected === 200 ? {} : { code: "origin_failed" };
    assert.deepEqual(await post(url, sample), { status: expected, code }, `origin ${status}`);
  }
  // No redirect was followed.
  assert.equal(origin.taken.length, Object.keys(statuses).length);
});

test("answers 502 if the origin can't be reached", async (t) => {
  const { url, origin } = await start(t);
  await origin.stop();
  origin.stop = () => {};
  assert.deepEqual(await post(url, sample), { status: 502, code: "origin_failed" });
});

test("answers 502 if the origin closes the connection before its answer", async (t) => {
  const { url, origin } = await start(t);
  origin.answer = (request) => request.socket.destroy();
  assert.deepEqual(await post(url, sample), { status: 502, code: "origin_failed" });
});

test("answers 504 if the origin does not answer in time, and aborts the request", async (t) => {
  const { url, origin } = await start(t, { ORIGIN_TIMEOUT: "200ms" });
  const aborted = deferred();
  origin.answer = (request) => request.socket.on("close", aborted.resolve);
  assert.deepEqual(await post(url, sample), { status: 504, code: "origin_timeout" });
  await aborted.promise;
});

test("accepts and reports the previous key until its end", async (t) => {
  const old = { "x-walnut-signature": sign(sample, "old") };
  const during = await start(t, {
    WALNUT_WEBHOOK_KEY_PREVIOUS: "old",
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 3600_000).toISOString(),
  });
  assert.equal((await post(during.url, sample, old)).status, 200);
  assert.equal((await post(during.url, sample)).status, 200);
  assert.deepEqual(during.origin.taken.map(({ headers }) => headers["walnut-key"]), ["previous", "current"]);
  // Long bodies are hashed by the platform, once for each key.
  const long = Buffer.from(JSON.stringify({ event: "long", padding: "x".repeat(65536) }));
  for (const key of ["old", KEY]) {
    assert.equal((await post(during.url, long, { "x-walnut-signature": sign(long, key) })).status, 200);
  }
  assert.deepEqual(during.origin.taken.slice(2).map(({ headers }) => headers["walnut-key"]), ["previous", "current"]);
  const forged = await post(during.url, long, { "x-walnut-signature": sign(long, "another") });
  assert.deepEqual(forged, { status: 401, code: "signature_mismatch" });

  const after = await start(t, {
    WALNUT_WEBHOOK_KEY_PREVIOUS: "old",
    WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() - 1000).toISOString(),
  });
  assert.deepEqual(await post(after.url, sample, old), { status: 401, code: "signature_mismatch" });
  assert.equal((await post(after.url, sample)).status, 200);
});

test("a destination gets its own headers, and a signature that standardwebhooks and svix accept", async (t) => {
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  const elsewhere = await startOrigin();
  t.after(elsewhere.stop);
  const destination = { name: "crm", url: elsewhere.url, headers: { Authorization: "Bearer crm" }, secret };
  const { url, origin } = await start(t, { ORIGIN_URL: undefined, DESTINATIONS: JSON.stringify([destination]) });
  assert.equal((await post(url, sample)).status, 200);
  assert.equal(origin.taken.length, 0);
  const [{ headers, body }] = elsewhere.taken;
  assert.equal(headers.authorization, "Bearer crm");
  assert.equal(headers["webhook-id"], headers["walnut-delivery-id"]);
  const changed = body.toString().replace("demo_session_finished", "demo_session_finishee");
  // The signed parts are joined by full stops.
  assert.equal((await post(url, event({ session_id: "s.1" }))).status, 200);
  assert.equal(elsewhere.taken[1].headers["webhook-id"], "demo_session_finished:s::1");
  for (const Webhook of [StandardWebhook, Svix]) {
    assert.doesNotThrow(() => new Webhook(secret).verify(body.toString(), headers));
    assert.throws(() => new Webhook(secret).verify(changed, headers), /No matching signature/);
  }
});

test("a trap does not affect the next request", async (t) => {
  const { url, origin, logged } = await start(t, {}, { build: FAILPOINTS_BUILD });
  for (let round = 0; round < 3; round++) {
    const trapped = await fetch(url, { method: "POST", headers: { "x-failpoint": "trap" }, body: sample });
    assert.equal(trapped.status, 500);
    await trapped.text();
    assert.deepEqual(await post(url, sample), { status: 200, code: undefined });
    assert.deepEqual(await post(url, sample, {}), { status: 401, code: "missing_signature" });
  }
  assert.equal(origin.taken.length, 3);
  await logged("RuntimeError");
});

test("the deployed build has no failpoint", async (t) => {
  const { url } = await start(t);
  assert.equal((await post(url, sample, { "x-walnut-signature": sign(sample), "x-failpoint": "trap" })).status, 200);
});
