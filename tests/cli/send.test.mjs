// Runs send and replay as processes, with real endpoints.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { parsedBefore } from "./endpoints/parsed.mjs";
import { bodies, endpoint, folder, KEY, main, run, sign, start, startOnTerminal, verifies } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const demo = join(bodies, "demo.json");
const objects = (out) => out.trim().split("\n").map((line) => JSON.parse(line));

test("send: sends one signed sample, as Walnut does", async (t) => {
  const before = Date.now();
  const { url, taken } = await endpoint(t, verifies);
  const { status, out, err } = await run(["send", url]);
  deepEqual([status, err], [0, ""]);
  equal(taken.length, 1);
  const [{ method, headers, body }] = taken;
  deepEqual([method, headers["content-type"], headers["x-walnut-signature"]], ["POST", "application/json", sign(body)]);
  const { event, timestamp, is_test } = JSON.parse(body);
  deepEqual([event, is_test], ["demo_session_finished", false]);
  ok(Date.parse(timestamp) >= before && Date.parse(timestamp) <= Date.now());
  match(out, /^ +sent {2}as expected .*\nevents +1 +1 +0 .* 1 × 200\n$/);
});

test("send: sends a file byte for byte, a text, and the other samples", async (t) => {
  const { url, taken } = await endpoint(t, verifies);
  const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x0d, 0x0a, 0xff, 0x7d]);
  writeFileSync(join(folder(t), "body"), bytes);
  equal((await run(["send", url, "--file", "-"], { input: bytes })).status, 0);
  equal((await run(["send", url, "--data", "é"])).status, 0);
  equal((await run(["send", url, "--sample", "playlist"])).status, 0);
  equal((await run(["send", url, "--sample", "test"])).status, 0);
  deepEqual(taken.slice(0, 2).map(({ body }) => body), [bytes, Buffer.from("é")]);
  deepEqual(taken.slice(2).map(({ body }) => [JSON.parse(body).event, JSON.parse(body).is_test]), [["playlist_session_finished", false], ["demo_session_finished", true]]);
});

test("send: sends copies and forgeries, in order or shuffled by a seed", async (t) => {
  const { url, taken } = await endpoint(t, verifies);
  const many = ["send", url, "--count", "20", "--duplicates", "5", "--forge", "7", "--seed", "3", "--json"];
  const inOrder = await run(many);
  equal(inOrder.status, 0);
  const lines = objects(inOrder.out);
  const summary = lines.pop();
  deepEqual([lines.length, summary.planned, summary.sent, summary.ok], [32, 32, 32, 32]);
  deepEqual(summary.summary.map(({ kind, sent, ok, outcomes }) => [kind, sent, ok, outcomes]), [["event", 20, 20, { 200: 20 }], ["duplicate", 5, 5, { 200: 5 }], ["forgery", 7, 7, { 401: 7 }]]);
  const genuine = taken.filter(({ headers, body }) => headers["x-walnut-signature"] === sign(body));
  equal(genuine.length, 25);
  equal(new Set(genuine.map(({ body }) => body.toString())).size, 20);
  const session = ({ body }) => JSON.parse(body).data.session_id;
  const first = taken.map(session);
  equal((await run([...many, "--shuffle"])).status, 0);
  const second = taken.slice(32).map(session);
  deepEqual([...second].sort(), [...first].sort());
  ok(second.join() !== first.join());
  const bare = await run(["send", "--forge", url, "--duplicates", "--json"]);
  deepEqual(objects(bare.out).slice(0, 3).map(({ kind }) => kind), ["event", "duplicate", "forgery"]);
  // In order, each copy comes right after its event.
  equal(lines.findIndex(({ kind }) => kind === "duplicate") - 1, lines.findIndex(({ signature }) => signature === lines.find(({ kind }) => kind === "duplicate").signature));
});

test("send: retries a request that is not accepted, as often as --retries says", async (t) => {
  const answers = [500, 302, 204, 201];
  const { url, taken } = await endpoint(t, (_, response, __, count) => response.writeHead(answers[count - 1] ?? 200, { location: "/elsewhere" }).end());
  const { status, out } = await run(["send", url, "--backoff", "1ms", "--json"]);
  const [{ status: last, attempts, why }, { summary }] = objects(out);
  deepEqual([status, last, attempts, why, taken.length, summary[0].retries], [0, 201, 4, "Walnut counts it as delivered", 4, 3]);
  deepEqual(summary[0].outcomes, { 201: 1, 204: 1, 302: 1, 500: 1 });
  equal(new Set(taken.map(({ body }) => body.toString())).size, 1);
});

test("send: shows an unexpected response with its body, and exits with 1", async (t) => {
  const { url, taken } = await endpoint(t, (_, response) => response.writeHead(202).end("accepted\x1b[2J"));
  const { status, out } = await run(["send", url, "--count", "2", "--forge", "1", "--retries", "1", "--backoff", "1ms"]);
  equal(status, 1);
  equal(taken.length, 5);
  match(out, /✕ 2 × events: 202, a success, but Walnut accepts only 200 and 201, and sends it again\n {2}response body: accepted⟨U\+001B⟩\[2J\n/);
  match(out, /✕ 1 × forgeries: 202, a forgery was accepted: the signature is not checked\n/);
});

test("send: shows the code and the whole message of an error, up to 1,000 characters", async (t) => {
  const lastLine = async (url) => (await run(["send", url, "--retries", "0"])).out.split("\n").at(-2);
  const shown = async (body) => lastLine((await endpoint(t, (_, response) => response.writeHead(500).end(body))).url);
  const server = parsedBefore(KEY);
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/webhook`;
  const { error } = await (await fetch(url, { method: "POST", headers: { "content-type": "application/json", "x-walnut-signature": sign("{}") }, body: "{}" })).json();
  ok(error.message.length > 200, error.message);
  equal(await lastLine(url), `  response error body_not_raw: ${error.message}`);
  equal(await shown(JSON.stringify({ error: { code: "a\nb", message: "x".repeat(2000) } })), `  response error a␊b: ${"x".repeat(1000)}`);
  // Any other body is cut at 200 characters.
  for (const other of [{ error: "x".repeat(300) }, { error: { code: 1, message: "x".repeat(300) } }, { error: null, message: "x".repeat(300) }]) {
    const text = JSON.stringify(other);
    equal(await shown(text), `  response body: ${text.slice(0, 200)}`);
  }
});

test("send: does not wait for a server that switches the protocol, or does not speak HTTP", async (t) => {
  for (const [bytes, message] of [
    ["HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "101"],
    ["hello\r\n\r\n", "the response is not HTTP"],
  ]) {
    const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.write(bytes)));
    await once(server.listen(0, "127.0.0.1"), "listening");
    t.after(() => server.close());
    const { status, out } = await run(["send", `http://127.0.0.1:${server.address().port}/`, "--retries", "0", "--json"]);
    const [line] = objects(out);
    deepEqual([status, String(line.status ?? line.error)], [1, message]);
    ok(line.ms < 20_000);
  }
});

test("send and replay: exit with 2 if the endpoint can't be reached, and send no further events", async (t) => {
  const url = "http://127.0.0.1:1/webhook";
  const message = "http://127.0.0.1:1 can't be reached: nothing listens there";
  for (const args of [["send", url], ["send", url, "--count", "50", "--rate", "10000"], ["send", url, "--forge", "1"]]) {
    const { status, out, err } = await run([...args, "--retries", "1", "--backoff", "1ms"]);
    deepEqual([status, out, err], [2, "", `walnut-webhooks: ${message}\n`], args.join(" "));
  }
  const forPrograms = await run(["send", url, "--retries", "0", "--json"]);
  deepEqual([forPrograms.out, JSON.parse(forPrograms.err).error], ["", { code: "unreachable", message }]);
  const at = folder(t);
  writeFileSync(join(at, "1.http"), "POST / HTTP/1.1\r\n\r\n{}");
  const replayed = await run(["replay", at, url, "--retries", "0"]);
  deepEqual([replayed.status, replayed.out, replayed.err], [2, "", `walnut-webhooks: ${message}\n`]);
});

test("send: exits with 1 if an endpoint that was reached goes away", async (t) => {
  const server = createHttpServer((_, response) => {
    server.close();
    response.writeHead(200, { connection: "close" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { status, out, err } = await run(["send", `http://127.0.0.1:${server.address().port}/`, "--count", "2", "--retries", "0"]);
  deepEqual([status, err], [1, ""]);
  match(out, /1 × 200, 1 × no response\n✕ 1 × events: nothing listens there: Walnut sends it again\n/);
});

test("send and replay: wait for a response no longer than --timeout", async (t) => {
  const { url } = await endpoint(t, () => {});
  const at = folder(t);
  writeFileSync(join(at, "1.http"), "POST / HTTP/1.1\r\n\r\n{}");
  for (const args of [["send", url], ["replay", at, url]]) {
    const { status, out } = await run([...args, "--timeout", "200ms", "--retries", "0", "--json"]);
    deepEqual([status, objects(out)[0].error], [1, "no complete response arrived within 0.2 s"], args[0]);
  }
});

test("send: explains that a server has no TLS, or rejects the connection", async (t) => {
  const { url } = await endpoint(t);
  const plain = await run(["send", url.replace("http:", "https:"), "--retries", "0"]);
  deepEqual([plain.status, plain.out], [2, ""]);
  match(plain.err, /can't be reached: the server answered in plain HTTP: use http:\/\/ instead of https:\/\/\n$/);
  // An alert: handshake failure.
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 40]))));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const failed = await run(["send", `https://127.0.0.1:${server.address().port}/`, "--retries", "0"]);
  equal(failed.status, 2);
  match(failed.err, /can't be reached: the TLS connection failed: [\w/ ]*handshake failure\n$/);
});

test("send: has no more requests in flight than --concurrency allows", async (t) => {
  const [held, most] = [[], { now: 0 }];
  const { url } = await endpoint(t, (_, response) => {
    held.push(response);
    most.now = Math.max(most.now, held.length);
    // The endpoint answers each three requests together.
    if (held.length === 3) for (const one of held.splice(0)) one.end();
  });
  equal((await run(["send", url, "--count", "9", "--concurrency", "3"])).status, 0);
  equal(most.now, 3);
});

test("send: shows a progress bar only on a terminal", async (t) => {
  const { url } = await endpoint(t, verifies);
  const { status, shown } = await startOnTerminal(["send", url, "--count", "5"]).ended;
  equal(status, 0);
  match(shown, /░+ 0\/5[^]*█+ 5\/5[^]*\r\x1b\[K/);
  ok(shown.split("\r").every((line) => line.length < 100));
  equal((await run(["send", url, "--count", "5"])).err, "");
});

test("send: shows the results so far after Ctrl-C", async (t) => {
  const { url, taken } = await endpoint(t, (_, response, __, count) => count < 3 && response.end());
  const { child, line, ended } = start(["send", url, "--count", "5", "--json"], { input: "" });
  for (let n = 0; n < 2; n++) equal(JSON.parse(await line()).ok, true);
  child.kill("SIGINT");
  const { status, out, err } = await ended;
  deepEqual([status, err, objects(out).at(-1).sent], [130, "", 2]);
  ok(taken.length <= 3);
  const shown = startOnTerminal(["send", url, "--count", "5"]);
  await shown.until("0/5");
  shown.type("\x03");
  const { status: other, shown: all } = await shown.ended;
  equal(other, 130);
  match(all, /interrupted after 0 of 5 requests/);
});

test("send: checks the range of each number, and rejects options that exclude each other", async (t) => {
  const { url } = await endpoint(t, verifies);
  for (const [args, isRight] of [
    [["--count", "0"], false],
    [["--count", "10001"], false],
    [["--count", "9999", "--forge", "2"], false],
    [["--rate", "0"], false],
    [["--rate", "10001"], false],
    [["--rate", "10000"], true],
    [["--rate", "0.5"], true],
    [["--concurrency", "0"], false],
    [["--concurrency", "1001"], false],
    [["--concurrency", "1000"], true],
    [["--retries", "21"], false],
    [["--retries", "20"], true],
    [["--backoff", "61m"], false],
    [["--backoff", "1h"], true],
    [["--backoff", "5x"], false],
    [["--backoff", "5ms"], true],
    [["--timeout", "31s"], false],
    [["--timeout", "30s"], true],
    [["--forge", "--duplicates", "--shuffle"], true],
    [["--forge", "x"], false],
    [["--seed", "4294967295", "--count", "2"], true],
    [["--sample", "video"], false],
    [["--file", demo, "--data", "x"], false],
    [["--file", demo, "--sample", "demo"], false],
  ]) {
    const { status, err } = await run(["send", url, ...args]);
    deepEqual([status, err.startsWith("walnut-webhooks: ")], isRight ? [0, false] : [2, true], args.join(" "));
  }
  for (const wrong of [[], ["localhost:3000"], ["ftp://127.0.0.1/"]]) equal((await run(["send", ...wrong])).status, 2);
});

test("send: delivers a thousand events with 50 in flight", async (t) => {
  const { url, taken } = await endpoint(t, verifies);
  equal((await run(["send", url, "--count", "1000", "--concurrency", "50"])).status, 0);
  equal(new Set(taken.map(({ body }) => body.toString())).size, 1000);
});

test("replay: sends saved deliveries unchanged, the oldest first, without a key", async (t) => {
  const at = join(folder(t), "saved");
  mkdirSync(at);
  const { url, taken } = await endpoint(t, verifies);
  const body = Buffer.from([0x7b, 0x0d, 0x0a, 0x0d, 0x0a, 0xff, 0x7d]);
  const save = (name, bytes) => writeFileSync(join(at, name), Buffer.concat([Buffer.from(`POST /webhook HTTP/1.1\r\ncontent-type: text/odd\r\nx-walnut-signature: ${sign(bytes)}\r\n\r\n`), bytes]));
  save("2026-02.http", readFileSync(demo));
  save("2026-01.http", body);
  writeFileSync(join(at, "notes.txt"), "not one of them");
  const { status, err } = await run(["replay", at, url], { env: { WALNUT_WEBHOOK_KEY: "" } });
  deepEqual([status, err], [0, ""]);
  deepEqual(taken.map(({ body }) => body), [body, readFileSync(demo)]);
  equal(taken[0].headers["content-type"], "text/odd");

  const shown = await startOnTerminal(["replay", at, url]).ended;
  equal(shown.status, 0);
  match(shown.shown, /█+ 2\/2[^]*events[^]*2 × 200/);
  taken.splice(2);

  // The command reports a file that disappears meanwhile, and sends the others.
  const losing = await endpoint(t, (_, response, __, count) => {
    if (count === 1) renameSync(join(at, "2026-02.http"), join(at, "gone"));
    response.end();
  });
  save("2026-04.http", body);
  const lost = await run(["replay", at, losing.url, "--retries", "0", "--json"]);
  equal(lost.status, 1);
  const [first, second, third] = lost.out.trim().split("\n").map((line) => JSON.parse(line));
  deepEqual([first.status, second.status, third.status, losing.taken.length], [200, null, 200, 2]);
  match(second.error, /2026-02.http can't be read: there is no such file/);
  renameSync(join(at, "gone"), join(at, "2026-02.http"));
  rmSync(join(at, "2026-04.http"));

  writeFileSync(join(at, "2026-03.http"), "no request");
  const broken = await run(["replay", at, url]);
  deepEqual([broken.status, taken.length], [2, 2]);
  match(broken.err, /2026-03.http is not a saved delivery/);
  for (const [name, head, message] of [
    ["2026-03.http", "GET / HTTP/1.1", /Walnut sends POST requests, but this is a GET/],
    ["2026-03.http", "POST / HTTP/1.1\r\nx-note: caf\xe9 \x01", undefined],
  ]) {
    writeFileSync(join(at, name), Buffer.from(`${head}\r\n\r\n{}`, "latin1"));
    const { status, out, err } = await run(["replay", at, url, "--retries", "0"]);
    if (message === undefined) {
      equal(status, 1);
      match(out, /a header has a character that HTTP does not allow/);
    } else {
      equal(status, 2);
      match(err, message);
    }
  }
  for (const [args, message] of [[[], /FOLDER is missing/], [[at], /URL is missing/], [[join(at, "none"), url], /there is no such folder/], [[bodies, url], /has no saved deliveries/]]) {
    const { status, err } = await run(["replay", ...args]);
    equal(status, 2);
    match(err, message);
  }
});

test("replay: sends the deliveries of an export unchanged, the oldest first", async (t) => {
  const { url, taken } = await endpoint(t, verifies);
  const file = join(folder(t), "export.ndjson");
  const bodies = [Buffer.from([0xff, 0x00, 0x0a]), readFileSync(demo)];
  const exported = (body, at) => JSON.stringify({ id: `id ${at}`, name: null, receivedAt: at, isTest: false, signature: sign(body), bodyBase64: body.toString("base64"), destinations: [] });
  const lines = [exported(bodies[1], 2), exported(bodies[0], 1)];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const { status, out, err } = await run(["replay", file, url, "--json"], { env: { WALNUT_WEBHOOK_KEY: "" } });
  deepEqual([status, err], [0, ""]);
  deepEqual(taken.map(({ body, headers }) => [body, headers["content-type"]]), bodies.map((body) => [body, "application/json"]));
  deepEqual(objects(out).map(({ id }) => id), ["id 1", "id 2", undefined]);
  equal((await run(["replay", "-", url], { input: lines.join("\n") })).status, 0);
  equal(taken.length, 4);

  // The command sends the other deliveries, and reports the missing ones.
  const error = JSON.stringify({ error: { code: "inbox_failed", shard: 3 } });
  const lacking = await run(["replay", "-", url], { input: [...lines, error, ""].join("\n") });
  deepEqual([lacking.status, taken.length], [1, 6]);
  match(lacking.out, /2 × 200/);
  match(lacking.err, /lacks the deliveries of the shards that could not be read \(3\): export them again/);

  for (const [input, expected, message] of [
    [error, 1, /lacks the deliveries/],
    ["", 2, /the export has no deliveries/],
    [`${lines[0]}\n${lines[1].slice(0, -9)}`, 2, /line 2 of standard input is not a line of an export/],
    [`${lines[0]}\nnull\n`, 2, /line 2 of standard input/],
    ['{"error":"x"}', 2, /line 1 of standard input/],
  ]) {
    const { status, out, err } = await run(["replay", "-", url], { input });
    deepEqual([status, out], [expected, ""], input);
    match(err, message);
  }
  equal(taken.length, 6);
});

test("send: ends without a message if the pipe is closed", async (t) => {
  const { url, taken } = await endpoint(t, verifies);
  const child = spawn(process.execPath, [main, "send", url, "--count", "10000", "--json"], { env: { ...process.env, WALNUT_WEBHOOK_KEY: KEY }, stdio: ["ignore", "pipe", "pipe"] });
  let err = "";
  child.stderr.on("data", (text) => (err += text));
  child.stdout.once("data", () => child.stdout.destroy());
  const [code] = await once(child, "close");
  deepEqual([code, err], [141, ""]);
  ok(taken.length < 10_000);
});
