// An attempt records whether the destination accepted the delivery, how the attempt failed, and the beginning of the
// response.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { lasting, select } from "./storage.mjs";
import { admin, DIRECT, DURABLE, event, folder, post, start, TOKEN } from "./support.mjs";

/** Returns a free port. */
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Starts a server that calls `answer` once it has the head of a request. `served` counts its connections. */
async function server(t, answer, make = createServer) {
  const sockets = new Set();
  const it = make((socket) => {
    sockets.add(socket);
    served.count++;
    served.emit("connection");
    socket.on("error", () => {});
    let head = "";
    socket.on("data", (data) => {
      if (head.includes("\r\n\r\n")) return;
      head += data.toString("latin1");
      if (head.includes("\r\n\r\n")) answer(socket);
    });
  });
  const served = new EventEmitter();
  served.count = 0;
  it.on("tlsClientError", () => {});
  await once(it.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    it.close();
    for (const socket of sockets) socket.destroy();
  });
  return { served, port: it.address().port };
}

/** Starts a TLS server with a self-signed certificate. */
async function untrusted(t) {
  const at = await folder(t);
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(at, name));
  const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"];
  execFileSync("openssl", [...request, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
  return server(t, () => {}, (on) => createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, on));
}

const HEAD = "HTTP/1.1 200 OK\r\ncontent-";
/** Faults of a destination, each with a URL or a server that has the fault, and with how the attempt fails. */
const CAUSES = {
  "on a port without a listener": { how: "refused", url: async () => `http://127.0.0.1:${await freePort()}/` },
  "with an unknown host name": { how: "dns", url: () => "https://no-such-host.invalid/" },
  "with an untrusted certificate": { how: "tls", url: async (t) => `https://localhost:${(await untrusted(t)).port}/` },
  "that does not speak TLS": { how: "tls", scheme: "https", answer: () => {}, first: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
  "that does not answer in time": { how: "timeout", code: "origin_timeout", answer: () => {} },
  "that resets the connection": { how: "reset", answer: (socket) => socket.resetAndDestroy() },
  "that ends the connection in the head": { how: "reset", answer: (socket) => socket.end(HEAD) },
  "that does not speak HTTP": { how: "reset", answer: (socket) => socket.end("220 mail.example ESMTP\r\n\r\n") },
};

/** Starts a destination with a fault, and returns its URL. */
async function urlOf(t, { url, scheme = "http", answer, first }) {
  if (url) return url(t);
  const make = first && ((on) => createServer((socket) => (on(socket), socket.once("data", () => first(socket)))));
  return `${scheme}://127.0.0.1:${(await server(t, answer, make)).port}/`;
}

for (const [destination, cause] of Object.entries(CAUSES)) {
  test(`an attempt to a destination ${destination} fails as "${cause.how}"`, async (t) => {
    const ORIGIN_URL = await urlOf(t, cause);
    const code = cause.code ?? "origin_failed";
    const bindings = { ORIGIN_URL, ORIGIN_TIMEOUT: "2s" };
    const { edge, url, logged } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1", ...bindings });
    equal((await post(url, event())).status, 200);
    const { ids, until } = admin(edge);
    const { attempts } = await until((await ids())[0], "dead");
    deepEqual(attempts.map(({ how, status, code, body }) => ({ how, status, code, body })), [{ how: cause.how, status: null, code, body: undefined }]);
    equal(JSON.parse(await logged("not_delivered")).how, cause.how);

    const direct = await start(t, { ...DIRECT, ...bindings });
    equal((await post(direct.url, event())).code, code);
    equal(JSON.parse(await direct.logged("not_delivered")).how, cause.how);
  });
}

/** Starts an edge in durable mode and one in direct mode. Neither repeats a failed attempt. */
async function both(t) {
  const durable = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1" });
  const direct = await start(t, DIRECT);
  const { ids, until } = admin(durable.edge);
  /** Sends an event through both. Returns the attempt in durable mode, and the status of the response in direct mode. */
  const attempt = async (answer) => {
    durable.origin.answer = direct.origin.answer = answer;
    equal((await post(durable.url, event())).status, 200);
    const { attempts } = await until((await ids())[0], ({ state }) => state !== "pending");
    return [attempts[0], (await post(direct.url, event())).status];
  };
  return { attempt, durable, direct };
}

test("an attempt keeps the status and the first 1 KiB of a failing answer, in UTF-8", async (t) => {
  const { attempt, durable } = await both(t);
  for (const [status, answered, kept] of [
    [500, "out of stock: é ☕ <b>", "out of stock: é ☕ <b>"],
    [404, "", undefined],
    [302, "moved", "moved"],
    [400, "x".repeat(1024), "x".repeat(1024)],
    [400, "x".repeat(1025), "x".repeat(1024)],
    // The first byte of é is the last byte that is read.
    [400, `${"x".repeat(1023)}é`, "x".repeat(1023)],
    [422, Buffer.from([0x61, 0xff, 0, 0x62]), "a\ufffd\0b"],
    [503, "y".repeat(100_000), "y".repeat(1024)],
  ]) {
    const [{ how, body, status: recorded }, direct] = await attempt((_, response) => response.writeHead(status).end(answered));
    deepEqual([how, recorded, body, direct], ["status", status, kept, 502]);
  }
  equal(durable.lines.some((line) => line.includes("stock")), false);
});

test("keeps the part of a failing answer that arrived, if the rest does not", async (t) => {
  const { attempt } = await both(t);
  for (const end of [() => {}, (response) => response.socket.resetAndDestroy()]) {
    const [{ how, body }] = await attempt((_, response) => response.writeHead(500).write("half", () => end(response)));
    deepEqual([how, body], ["status", "half"]);
  }
});

test("a 2xx status counts as accepted, regardless of the body", async (t) => {
  const { attempt, durable } = await both(t);
  for (const answer of [
    (_, response) => response.end(Buffer.alloc((1 << 20) + 1)),
    (_, response) => response.writeHead(204).end(),
    (_, response) => response.writeHead(200).write("and the rest never comes"),
    (_, response) => response.writeHead(200, { "content-length": 10 }).write("cut", () => response.socket.resetAndDestroy()),
    (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("no gzip"),
  ]) {
    const [attempted, direct] = await attempt(answer);
    deepEqual([attempted.code, "how" in attempted, "body" in attempted, direct], [null, false, false, 200]);
  }
  equal(durable.origin.taken.length, 5);
});

test("ends an attempt and its connection if the answer does not end", async (t) => {
  const { attempt } = await both(t);
  const piece = Buffer.alloc(65_536);
  for (const status of [200, 500]) {
    const ends = [];
    const endless = (_, response) => {
      ends.push(once(response, "close"));
      response.writeHead(status);
      const more = () => {
        while (!response.destroyed && response.write(piece));
      };
      response.on("drain", more);
      more();
    };
    const open = (_, response) => {
      ends.push(once(response, "close"));
      response.writeHead(status).write("begins");
    };
    for (const answer of [endless, open]) {
      await attempt(answer);
    }
    // The edge ends the connections.
    await Promise.all(ends);
    equal(ends.length, 4);
  }
});

test("reuses the connection to a destination, also after failures, unless the answer has more than 64 KiB", async (t) => {
  const { attempt, durable } = await both(t);
  const sockets = new Set();
  for (const [status, length, expected] of [
    [200, 10, 1],
    [500, 2000, 1],
    [200, 60_000, 1],
    [500, 0, 1],
    [200, 1 << 20, 1],
    [200, 10, 2],
    [500, 1 << 20, 2],
    [200, 10, 3],
  ]) {
    await attempt((request, response) => {
      if (request.headers.host === new URL(durable.origin.url).host) sockets.add(request.socket);
      response.writeHead(status).end("x".repeat(length));
    });
    equal(sockets.size, expected, `${status}, ${length} bytes`);
  }
});

test("treats 103 Early Hints as the response, because the platform hides the final one", async (t) => {
  const { port } = await server(t, (socket) =>
    socket.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
  );
  const bindings = { ORIGIN_URL: `http://127.0.0.1:${port}/` };
  const { edge, url } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1", ...bindings });
  equal((await post(url, event())).status, 200);
  const { ids, until } = admin(edge);
  const [{ how, status, body }] = (await until((await ids())[0], "dead")).attempts;
  deepEqual([how, status, body], ["status", 103, undefined]);
  equal((await post((await start(t, { ...DIRECT, ...bindings })).url, event())).code, "origin_failed");
});

test("derives the cause of a failure from a status that Cloudflare sends in place of the destination's", async (t) => {
  const { attempt } = await both(t);
  const hows = { 520: "reset", 521: "refused", 522: "timeout", 523: "refused", 524: "timeout", 525: "tls", 526: "tls", 530: "dns", 527: "status" };
  for (const [status, expected] of Object.entries(hows)) {
    const [{ how, status: recorded }] = await attempt((_, response) => response.writeHead(Number(status)).end());
    deepEqual([recorded, how], [Number(status), expected]);
    // After several such failures in a row, the destination would be held.
    await attempt((_, response) => response.end());
  }
});

test("only the last 10 attempts keep the body of the response", async (t) => {
  const { edge, url, origin } = await start(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, MAX_ATTEMPTS: "1" });
  const { ask, ids, until } = admin(edge);
  origin.answer = (_, response) => response.writeHead(500).end(`answer ${origin.taken.length}`);
  equal((await post(url, event())).status, 200);
  const [id] = await ids();
  for (let n = 1; n <= 12; n++) {
    const { attempts } = await until(id, (it) => it.state === "dead" && it.attempts.length === n);
    const expected = attempts.map((_, index) => (index < n - 10 ? undefined : `answer ${index + 1}`));
    deepEqual(attempts.map(({ body }) => body), expected);
    ok(attempts.every(({ how }) => how === "status"));
    equal((await ask("POST", `deliveries/${id}/redeliver`)).status, 200);
  }
});

test("erases the answer of a destination with its delivery", async (t) => {
  const { edge, url, origin, storage, ask, ids, until } = await lasting(t, { MAX_ATTEMPTS: "1" });
  origin.answer = (_, response) => response.writeHead(500).end("about someone@example.com");
  equal((await post(url, event())).status, 200);
  const [id] = await ids();
  match((await until(id, "dead")).attempts[0].body, /someone/);
  equal((await ask("DELETE", `deliveries/${id}`)).erased, 1);
  await edge.stop();
  deepEqual(select(storage, "SELECT attempts, edges FROM deliveries"), [{ attempts: "[]", edges: null }]);
});

test("only a test event is sent with walnut-test", async (t) => {
  const { durable, direct } = await both(t);
  const repeated = event({ is_test: true });
  for (const { url, origin } of [durable, direct]) {
    for (const body of [event(), event({ is_test: true }), event({ is_test: false }), event({ is_test: "true" }), repeated, repeated]) {
      equal((await post(url, body)).status, 200);
      await origin.took(origin.taken.length || 1);
    }
    await origin.took(6);
    const tests = origin.taken.map(({ headers, body }) => [JSON.parse(body).is_test === true, headers["walnut-test"]]);
    for (const [isTest, header] of tests) equal(header, isTest ? "1" : undefined);
    equal(tests.filter(([isTest]) => isTest).length, 3);
  }
});
