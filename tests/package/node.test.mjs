// The adapter for node:http alone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, createServer as createServer2 } from "node:http2";
import { connect as connectTo } from "node:net";
import { test } from "node:test";
import { createApp, fromNodeMiddleware, toNodeListener } from "h3";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
import { adapterSuite } from "./adapters.mjs";
import { begin, deferred, ID, listening, post, sample, signature, webhook } from "./requests.mjs";

adapterSuite("node:http", (...args) => createServer(handler(...args)));

/** Serves requests that `first` handles before the handler gets them. */
function serve(t, first, handle) {
  const server = createServer(async (request, response) => {
    await first(request);
    handle(request, response);
  });
  return listening(t, server);
}

async function readAll(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces);
}

const recordCodes = () => {
  const codes = [];
  return { codes, onReject: (error) => codes.push(error.code) };
};

test("node:http: uses a body that other code has kept as bytes or text, and names the mistake if none was kept", async (t) => {
  const taken = [];
  const { codes, onReject } = recordCodes();
  const handle = handler(webhook, ({ id }) => taken.push(id), { onReject });
  for (const name of ["rawBody", "body"]) {
    for (const form of [(bytes) => bytes, String, (bytes) => new Uint8Array(bytes), (bytes) => new Uint8Array(bytes).buffer]) {
      const keep = async (request) => (request[name] = form(await readAll(request)));
      assert.equal((await post(await serve(t, keep, handle))).status, 200);
    }
  }
  assert.deepEqual(taken, Array(8).fill(ID));
  assert.equal((await post(await serve(t, (request) => void request.pause(), handle))).status, 200);

  const parse = async (request) => (request.body = JSON.parse(await readAll(request)));
  const parsed = await post(await serve(t, parse, handle));
  assert.deepEqual([parsed.status, parsed.code], [500, "body_not_raw"]);
  assert.match(parsed.message, /a body parser has read .* kept only the parsed value\. .*koa-bodyparser.*bodyParser: false/s);
  const drop = (request) => readAll(request);
  assert.match((await post(await serve(t, drop, handle))).message, /something has read .* walnut-webhooks could\. /);
  const decode = (request) => void request.setEncoding("utf8");
  assert.match((await post(await serve(t, decode, handle))).message, /set to produce text/);
  assert.deepEqual(codes, Array(3).fill("body_not_raw"));
});

test("node:http: stops reading a body that it rejects half-way", async (t) => {
  const rejections = [];
  const onReject = ({ code }, { request }) => rejections.push([code, request.isPaused(), request.listenerCount("data")]);
  const url = await listening(t, createServer(handler(webhook, () => {}, { bodyTimeout: 50, onReject })));
  const length = webhook.maxBodyBytes + 1;
  for (const some of ["1\r\n{\r\n", `${length.toString(16)}\r\n${"x".repeat(length)}`]) {
    await once(begin(t, url, signature, some, "Transfer-Encoding: chunked"), "data");
  }
  assert.deepEqual(rejections, [["body_timeout", true, 0], ["body_too_large", true, 0]]);
});

test("node:http: the listener's promise resolves once the response is sent, and never rejects", async (t) => {
  const { promise, resolve } = deferred();
  t.mock.method(console, "error", () => {});
  const listeners = {
    handled: handler(webhook, () => promise),
    rejected: handler(new Webhook("another key"), () => {}, { onReject: () => Promise.reject(new Error("no log")) }),
    failed: handler({ ...webhook, precheck() {}, verify: () => assert.fail("unexpected") }, () => {}),
  };
  for (const [name, listener] of Object.entries(listeners)) {
    const settled = [];
    const server = createServer((request, response) => {
      listener(request, response).then(() => settled.push(response.writableEnded));
      if (name === "handled") setImmediate(resolve);
    });
    const url = await listening(t, server);
    const response = await fetch(url, { method: "POST", headers: { "x-walnut-signature": signature }, body: sample });
    await response.text();
    assert.equal(response.status, { handled: 200, rejected: 401, failed: 500 }[name]);
    await new Promise(setImmediate);
    assert.deepEqual(settled, [true], name);
  }
});

test("node:http: answers 405 to any method but POST, and 404 to any other path than `path`", async (t) => {
  const rejected = [];
  const onReject = ({ code }, { request }) => rejected.push([code, request.method]);
  const anywhere = await listening(t, createServer(handler(webhook, () => {}, { onReject })));
  const send = async (url, method = "POST") => {
    const headers = { "x-walnut-signature": signature };
    const response = await fetch(url, { method, headers, body: ["GET", "HEAD"].includes(method) ? undefined : sample });
    const text = await response.text();
    return [response.status, response.headers.get("allow"), text === "" ? "" : JSON.parse(text).error?.code];
  };
  for (const method of ["GET", "PUT", "DELETE"]) assert.deepEqual(await send(anywhere, method), [405, "POST", "method_not_allowed"]);
  assert.deepEqual(await send(anywhere, "HEAD"), [405, "POST", ""]);
  assert.deepEqual(await send(`${anywhere}/elsewhere`), [200, null, undefined]);
  assert.deepEqual(rejected.splice(0), ["GET", "PUT", "DELETE", "HEAD"].map((method) => ["method_not_allowed", method]));

  const there = await listening(t, createServer(handler(webhook, () => {}, { path: "/webhook", onReject })));
  for (const suffix of ["", "?a=b"]) assert.deepEqual(await send(there + suffix), [200, null, undefined]);
  for (const suffix of ["/", "s", "/../other"]) assert.deepEqual(await send(there + suffix), [404, null, "not_found"]);
  assert.deepEqual(await send(`${there}s`, "GET"), [404, null, "not_found"]);
  // `fetch` can't send these. An invalid URL must not become an error of the receiver.
  for (const [target, status] of [["//", 404], ["//a/webhook", 404], ["*", 404], ["http://b/webhook", 200], ["http://[/webhook", 404], ["/%zz", 404], ["/webhook#a", 200]]) {
    const socket = connectTo(Number(new URL(there).port), "127.0.0.1");
    socket.end(`POST ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Walnut-Signature: ${signature}\r\nContent-Length: ${sample.length}\r\n\r\n${sample}`);
    let answer = "";
    for await (const piece of socket) answer += piece;
    assert.equal(Number(answer.split(" ")[1]), status, target);
  }
});

test("node:http: rejects a `path` that is not a path", () => {
  for (const [path, shown] of [["webhook", '"webhook"'], ["", '""'], ["/a?b=c", '"/a?b=c"'], ["/a b", '"/a b"'], ["https://a/b", '"https://a/b"'], [1, "a number"]]) {
    const message = `path must be a path such as "/webhook", but is ${shown}.`;
    assert.throws(() => handler(webhook, () => {}, { path }), { name: "TypeError", message });
  }
});

test("h3: a request is answered once, after onDelivery has resolved", async (t) => {
  const turns = [deferred(), deferred()];
  const handled = [];
  const app = createApp();
  const onDelivery = async ({ id }) => {
    handled.push(id);
    turns[0].resolve();
    await turns[1].promise;
  };
  app.use("/webhook", fromNodeMiddleware(handler(webhook, onDelivery, { onReject() {} })));
  const url = await listening(t, createServer(toNodeListener(app)));
  const answer = post(url);
  await turns[0].promise;
  // Meanwhile, the server answers another request.
  assert.equal((await post(url, { header: null })).code, "missing_signature");
  turns[1].resolve();
  assert.equal((await answer).status, 200);
  assert.deepEqual(handled, [ID]);
});

test("node:http2: gives the same answers, without features of HTTP/1", async (t) => {
  const [taken, warnings] = [[], []];
  const warned = (warning) => warnings.push(String(warning));
  process.on("warning", warned);
  t.after(() => process.off("warning", warned));
  const { codes, onReject } = recordCodes();
  const server = createServer2(handler(webhook, ({ id }) => taken.push(id), { bodyTimeout: 50, onReject }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect(`http://127.0.0.1:${server.address().port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  const status = async (header, write) => {
    const stream = client.request({ ":method": "POST", ":path": "/webhook", "x-walnut-signature": header });
    write(stream);
    const [head] = await once(stream, "response");
    return head[":status"];
  };
  assert.equal(await status(signature, (stream) => stream.end(sample)), 200);
  assert.deepEqual(taken, [ID]);
  assert.equal(await status("zz", (stream) => stream.write("{")), 401);
  assert.equal(await status(signature, (stream) => stream.write("{")), 408);
  assert.deepEqual([codes, warnings], [["malformed_signature", "body_timeout"], []]);
});

test("node:http2: a stream or a session that is reset causes no log line and no rejection", async (t) => {
  const unexpected = [];
  t.mock.method(console, "error", (error) => unexpected.push(error));
  const handle = handler(webhook, () => {}, { onReject: (error) => unexpected.push(error.code) });
  const settled = [];
  const server = createServer2((request, response) => settled.push(handle(request, response)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const open = () => connect(`http://127.0.0.1:${server.address().port}`).on("error", () => {});
  for (const end of [(stream) => stream.destroy(new Error("reset")), (stream) => stream.session.destroy()]) {
    const client = open();
    const stream = client.request({ ":method": "POST", ":path": "/webhook", "x-walnut-signature": signature }).on("error", () => {});
    const arrived = once(server, "request");
    stream.write("{");
    const [request] = await arrived;
    const gone = new Promise((resolve) => request.once("close", resolve));
    end(stream);
    await gone;
    client.destroy();
  }
  await Promise.all(settled);
  assert.deepEqual(unexpected, []);
});

test("node:http2: logs an error of onReject even if the client has disconnected", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const [reported, gone] = [deferred(), deferred()];
  const onReject = async () => {
    reported.resolve();
    await gone.promise;
    throw new Error("the log is full");
  };
  const handle = handler(webhook, () => {}, { onReject });
  const server = createServer2((request, response) => {
    request.once("aborted", gone.resolve);
    // The stream stays open, because the response never ends.
    response.end = () => response;
    handle(request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect(`http://127.0.0.1:${server.address().port}`).on("error", () => {});
  t.after(() => server.close());
  client.request({ ":method": "POST", ":path": "/webhook" }).on("error", () => {}).write("{");
  await reported.promise;
  client.destroy();
  assert.equal((await logged.promise).message, "the log is full");
});

test("node:http: prefers bytes to text, and accepts a rawBody that can't be set", async (t) => {
  const handled = [];
  const handle = handler(webhook, ({ id }) => handled.push(id));
  const keepBoth = async (request) => Object.assign(request, { rawBody: "lossy", body: await readAll(request) });
  const fixed = (request) => void Object.defineProperty(request, "rawBody", { get: () => undefined });
  for (const first of [keepBoth, fixed]) assert.equal((await post(await serve(t, first, handle))).status, 200);
  assert.deepEqual(handled, [ID, ID]);
});

test("node:http: logs an error of onReject, and does not change the answer", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const onReject = () => Promise.reject(new Error("the log is full"));
  const url = await listening(t, createServer(handler(webhook, () => {}, { onReject })));
  assert.equal((await post(url, { header: null })).code, "missing_signature");
  assert.equal((await logged.promise).message, "the log is full");
});

test("node:http: does not wait for a client that disconnects before the handler has the request", async (t) => {
  const [arrived, gone, over] = [deferred(), deferred(), deferred()];
  const logged = t.mock.method(console, "error", () => {});
  const { codes, onReject } = recordCodes();
  const handle = handler(webhook, () => {}, { onReject });
  const server = createServer(async (request, response) => {
    request.socket.once("close", gone.resolve);
    arrived.resolve();
    await gone.promise;
    await new Promise(setImmediate);
    handle(request, response);
    setImmediate(over.resolve);
  });
  const socket = begin(t, await listening(t, server), signature, "{");
  await arrived.promise;
  socket.destroy();
  await over.promise;
  assert.deepEqual([codes, logged.mock.callCount()], [[], 0]);
});

test("node:http: logs an unexpected error, and answers 500", async (t) => {
  const logged = deferred();
  t.mock.method(console, "error", logged.resolve);
  const broken = {
    maxBodyBytes: 1 << 20,
    precheck: () => {},
    verify: () => {
      throw new TypeError("not a rejection");
    },
  };
  const url = await listening(t, createServer(handler(broken, () => {})));
  assert.equal((await fetch(url, { method: "POST", body: "{}" })).status, 500);
  assert.equal((await logged.promise).message, "not a rejection");
});

test("node:http: a body of single bytes takes no more memory than its limit", async (t) => {
  // In a process with little memory: each piece is an object of some hundred bytes.
  const program = `
    import { createServer } from "node:http";
    import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/node";
    const server = createServer(handler(new Webhook("key"), () => {}, { bodyTimeout: 60_000 }));
    server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ["--max-old-space-size=48", "--input-type=module", "--eval", program], { cwd: import.meta.dirname });
  t.after(() => child.kill());
  const [port] = await once(child.stdout, "data");
  const bytes = `${"1\r\nx\r\n".repeat(1 << 20)}0\r\n\r\n`;
  const socket = begin(t, `http://127.0.0.1:${Number(port)}`, "0".repeat(64), bytes, "Transfer-Encoding: chunked");
  const [answer] = await Promise.race([once(socket, "data"), once(child, "exit")]);
  assert.match(String(answer), /^HTTP\/1\.1 401 /);
});
