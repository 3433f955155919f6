// Runs listen as a process.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { admin, DURABLE, event, eventually, start as startEdge, TOKEN } from "../worker/support.mjs";
import { bodies, endpoint, folder, KEY, run, sign, start, startOnTerminal, verifies } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);
const DEMO = readFileSync(join(bodies, "demo.json"));
const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";

const [minute, rowsPerMs] = [60_000, 2048];
const soon = Date.now() + 10 * minute;
/** The ID of a delivery that arrives in the log during the tests, in order of `n`. */
const rowId = (n) => `0-${(soon + n) * rowsPerMs}`;

/** Starts `listen`, which ends with the test. `next()` returns the next line that it prints, as an object. */
async function listening(t, ...args) {
  const started = start(["listen", "--port", "0", "--json", ...args], { input: "" });
  t.after(() => started.child.kill());
  const { listening: url } = JSON.parse(await started.line());
  return { ...started, url, next: async () => JSON.parse(await started.line()) };
}

async function post(url, body, headers = { "x-walnut-signature": sign(body) }, method = "POST") {
  const response = await fetch(url, { method, body, headers });
  return { status: response.status, text: await response.text() };
}

test("listen: responds 200 to a genuine delivery, and explains a rejected one", async (t) => {
  const { url, next, child, ended } = await listening(t);
  match(url, /^http:\/\/127\.0\.0\.1:\d+\/webhook$/);
  deepEqual(await post(url, DEMO), { status: 200, text: '{"ok":true}' });
  const first = await next();
  deepEqual([first.ok, first.status, first.bytes, first.times, first.delivery.id, first.delivery.drift], [true, 200, DEMO.length, 1, ID, []]);
  await post(url, DEMO);
  equal((await next()).times, 2);

  const upper = await post(url, DEMO, { "x-walnut-signature": sign(DEMO).toUpperCase() });
  deepEqual([upper.status, JSON.parse(upper.text).error.code], [401, "malformed_signature"]);
  const refused = await next();
  deepEqual([refused.ok, refused.status, refused.error.code, refused.explanation.cause], [false, 401, "malformed_signature", "signature_uppercase"]);
  ok(!("delivery" in refused));
  equal((await post(url, DEMO, {})).status, 401);
  equal((await next()).explanation.cause, "missing_signature");
  equal((await post(url, "not JSON")).status, 400);
  equal((await next()).error.code, "not_json");
  equal((await post(url, undefined, {}, "GET")).status, 405);
  equal((await next()).error.code, "method_not_allowed");

  child.kill("SIGINT");
  const { status, err } = await ended;
  deepEqual([status, err], [0, ""]);
});

test("listen: accepts a body of 1 MiB, and rejects one more byte", async (t) => {
  const { url, next } = await listening(t);
  const event = (length) => Buffer.from(`{"event":"${"x".repeat(length - 12)}"}`);
  equal((await post(url, event(1 << 20))).status, 200);
  equal((await next()).bytes, 1 << 20);
  equal((await post(url, event((1 << 20) + 1))).status, 413);
  equal((await next()).error.code, "body_too_large");
});

test("listen: ignores a request that is closed half-way", async (t) => {
  const { url, next } = await listening(t);
  const socket = connect(new URL(url).port, "127.0.0.1");
  await once(socket, "connect");
  socket.end("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf");
  await once(socket.resume(), "close");
  await post(url, DEMO);
  equal((await next()).ok, true);
});

test("listen: responds with --status after --delay", async (t) => {
  const { url, next } = await listening(t, "--status", "503", "--delay", "300ms");
  const began = performance.now();
  equal((await post(url, DEMO)).status, 503);
  ok(performance.now() - began >= 295);
  equal((await next()).status, 503);
  // A forgery is still rejected.
  equal((await post(url, DEMO, { "x-walnut-signature": "0".repeat(64) })).status, 401);
  const sent = await run(["send", url, "--retries", "2", "--backoff", "1ms", "--json"]);
  deepEqual([sent.status, JSON.parse(sent.out.split("\n")[0]).attempts], [1, 3]);
});

test("listen: saves genuine deliveries byte for byte, and replay sends them again", async (t) => {
  const at = join(folder(t), "new", "deliveries");
  const { url } = await listening(t, "--save", at);
  const odd = Buffer.from('{"event":"../../odd",\r\n\r\n"\u00e9":1}\n');
  for (const body of [DEMO, odd, DEMO]) {
    await post(url, body, { "x-walnut-signature": sign(body), "content-type": "application/json; charset=utf-8" });
  }
  await post(url, DEMO, { "x-walnut-signature": "0".repeat(64) });
  const files = readdirSync(at).sort();
  deepEqual(files.map((name) => name.replace(/^[\d-]+T[\d-]+\.\d{3}Z-[0-9a-f]{10}-/, "")), ["demo_session_finished.http", "unknown.http", "demo_session_finished.http"]);
  ok(readFileSync(join(at, files[1])).subarray(-odd.length).equals(odd));
  equal((await run(["verify", "--request", join(at, files[1])])).status, 0);

  const other = await endpoint(t, verifies);
  equal((await run(["replay", at, other.url])).status, 0);
  deepEqual(other.taken.map(({ body }) => body), [DEMO, odd, DEMO]);
  equal(other.taken[0].headers["content-type"], "application/json; charset=utf-8");
});

test("listen: does not start if it can't write to the folder", async (t) => {
  const file = join(folder(t), "file");
  writeFileSync(file, "");
  for (const [at, why] of [
    [file, "a file has this name"],
    [join(file, "below"), "a part of the path is a file"],
    ["/proc/x", "nothing can be created there"],
    ["/proc", "nothing can be created there"],
  ]) {
    const { status, out, err } = await run(["listen", "--port", "0", "--save", at]);
    deepEqual([status, out, err], [2, "", `walnut-webhooks: --save: the folder ${at} can't be written to: ${why}\n`]);
  }
});

test("listen: does not acknowledge a delivery that it can't save", async (t) => {
  const gone = join(folder(t), "gone");
  const { url, next } = await listening(t, "--save", gone);
  deepEqual(readdirSync(gone), []);
  rmSync(gone, { recursive: true });
  equal((await post(url, DEMO)).status, 503);
  equal((await next()).error.code, "store_failed");
});

test("listen: forwards genuine deliveries, and passes on the response", async (t) => {
  const origin = await endpoint(t, (_, response, __, count) => response.writeHead(count === 1 ? 201 : 500, { "content-type": "text/plain" }).end("taken"));
  const { url, next } = await listening(t, "--forward", origin.url);
  deepEqual(await post(url, DEMO, { "x-walnut-signature": sign(DEMO), "content-type": "application/json", "x-more": "1" }), { status: 201, text: "taken" });
  const { forwarded } = await next();
  deepEqual([forwarded.status, forwarded.attempts], [201, 1]);
  deepEqual(origin.taken[0].body, DEMO);
  const { headers } = origin.taken[0];
  deepEqual([headers["x-walnut-signature"], headers["content-type"], headers["x-more"], headers.host], [sign(DEMO), "application/json", "1", new URL(origin.url).host]);
  equal((await post(url, DEMO)).status, 500);
  equal((await post(url, DEMO, { "x-walnut-signature": "0".repeat(64) })).status, 401);
  equal(origin.taken.length, 2);

  const nowhere = await listening(t, "--forward", "http://127.0.0.1:1/");
  equal((await post(nowhere.url, DEMO)).status, 502);
  equal((await nowhere.next()).forwarded.error, "nothing listens there");
});

test("listen: forwards no headers of the connection, and headers named like members of Object.prototype unchanged", async (t) => {
  const origin = await endpoint(t, verifies);
  const at = folder(t);
  const { url } = await listening(t, "--forward", origin.url, "--save", at);
  const socket = connect(new URL(url).port, "127.0.0.1");
  const odd = "constructor: hi\r\n__proto__: x\r\nx-twice: 1\r\nx-twice: 2";
  socket.write(`POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\naccept-encoding: gzip\r\nkeep-alive: 1\r\nproxy-authorization: x\r\nconnection: close\r\n${odd}\r\nx-walnut-signature: ${sign(DEMO)}\r\ncontent-length: ${DEMO.length}\r\n\r\n${DEMO}`);
  await once(socket.resume(), "close");
  const { headers } = origin.taken[0];
  for (const name of ["te", "accept-encoding", "keep-alive", "proxy-authorization"]) equal(headers[name], undefined, name);
  deepEqual([headers.constructor, headers["x-twice"], Object.getOwnPropertyDescriptor(headers, "__proto__")?.value ?? "x"], ["hi", "1, 2", "x"]);
  const [file] = readdirSync(at);
  equal(statSync(join(at, file)).mode & 0o077, 0);
  match(readFileSync(join(at, file), "latin1"), /constructor: hi/);
});

test("listen: responds 502 if the origin returns an invalid status", async (t) => {
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end("HTTP/1.1 099 X\r\ncontent-length: 0\r\n\r\n")));
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { url, next } = await listening(t, "--forward", `http://127.0.0.1:${server.address().port}/`);
  for (let time = 0; time < 2; time++) {
    equal((await post(url, DEMO)).status, 502);
    equal((await next()).status, 502);
  }
});

test("listen: ends after --count requests", async (t) => {
  const { url, ended } = await listening(t, "--count", "2");
  await post(url, DEMO);
  await post(url, DEMO, {});
  const { status, out } = await ended;
  deepEqual([status, out.trim().split("\n").length], [0, 3]);
});

test("listen: shows deliveries and explanations on a terminal, until Ctrl-C", async () => {
  const shown = startOnTerminal(["listen", "--port", "0"]);
  await shown.until("Ctrl-C ends it.");
  const [url] = /http:\/\/127\.0\.0\.1:\d+\/webhook/.exec(shown.output().replaceAll(/\x1b\[\d+m/g, ""));
  await post(url, '{"event":"e","a":1}', { "x-walnut-signature": sign('{"event": "e", "a": 1}') });
  await shown.until("body_reformatted");
  await post(url, DEMO);
  await shown.until(ID);
  shown.type("\x03");
  const { status, shown: all } = await shown.ended;
  equal(status, 0);
  match(all, /✕[^]*signature_mismatch[^]*answered 401[^]*received[^]*"e","a":1}[^]*signed[^]*·"e",·"a":·1}[^]*✓[^]*demo_session_finished[^]*answered 200/);
});

test("listen: rejects wrong usage, and a port in use", async (t) => {
  const { url } = await listening(t);
  const { port } = new URL(url);
  for (const [args, message] of [
    [["--port", port], /the port is in use\. Use another --port, or --port 0/],
    [["--port", "65536"], /0 to 65535/],
    [["--status", "199"], /200 to 599/],
    [["--status", "600"], /200 to 599/],
    [["--delay", "61m"], /--delay/],
    [["--count", "0"], /--count/],
    [["--forward", "nowhere"], /--forward must begin with http/],
    [["--since", "2h"], /can only be used with --edge/],
    [["--edge", "https://127.0.0.1:1", "--status", "500"], /can't be used with --edge/],
    [["--edge", "http://example.com"], /must begin with https:/],
    [["--edge", "https://127.0.0.1:1", "--interval", "99ms"], /from 100ms to 1h/],
  ]) {
    const { status, out, err } = await run(["listen", ...args], { env: { ADMIN_TOKEN: TOKEN } });
    deepEqual([status, out], [2, ""], args.join(" "));
    match(err, message);
  }
});

test("listen --edge: gets stored and new deliveries byte for byte, the oldest first", async (t) => {
  const { url, edge } = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, SHARDS: "2" });
  const { ask, ids } = admin(edge);
  const env = { ADMIN_TOKEN: TOKEN };
  const before = [event(), event({ event: "other", padding: "é\r\n" }), event()];
  for (const body of before) equal((await post(url, body)).status, 200);
  const at = folder(t);
  const origin = await endpoint(t, (request, response, body, count) => (count === 1 ? response.writeHead(500).end() : verifies(request, response, body)));
  const args = ["listen", "--edge", edge.url, "--since", "1h", "--interval", "100ms", "--forward", origin.url, "--save", at, "--json"];
  const pulling = start(args, { input: "", env });
  t.after(() => pulling.child.kill());
  const next = async () => JSON.parse(await pulling.line());
  const pulled = [await next(), await next(), await next()];
  deepEqual(pulled.map(({ ok, forwarded }) => [ok, forwarded.status]), [[true, 200], [true, 200], [true, 200]]);
  equal(pulled[0].forwarded.attempts, 2);
  deepEqual(origin.taken.slice(1).map(({ body }) => body.toString()), before);
  deepEqual(origin.taken[1].headers["x-walnut-signature"], sign(before[0]));

  // It shows each new event once, a repeated test event each time, and neither duplicates nor variants.
  const later = event();
  for (const body of [before[0], later, later.replace('"fab_clicks":0', '"fab_clicks":9')]) equal((await post(url, body)).status, 200);
  const last = event();
  equal((await post(url, last)).status, 200);
  deepEqual([(await next()).bytes, (await next()).bytes], [later.length, last.length].map(Number));
  deepEqual(origin.taken.slice(4).map(({ body }) => body.toString()), [later, last]);
  const trial = event({ is_test: true });
  for (const body of [trial, trial]) equal((await post(url, body)).status, 200);
  deepEqual([(await next()).bytes, (await next()).bytes], [trial.length, trial.length]);
  pulling.child.kill("SIGINT");
  const { status, err } = await pulling.ended;
  equal(status, 0);
  match(JSON.parse(err).note, /^Pulling from http/);
  equal(readdirSync(at).length, (await ids()).length - 1);

  const keyless = await run(["listen", "--edge", edge.url, "--since", "1h", "--count", "1"], { env: { ...env, WALNUT_WEBHOOK_KEY: "" } });
  equal(keyless.status, 0);
  match(keyless.out, /✓ demo_session_finished[^]*verified by the edge/);

  // Erased deliveries are skipped. A request may lack a content type.
  equal((await post(url, Buffer.from(event()))).status, 200);
  const all = await ids();
  equal((await ask("DELETE", `deliveries/${all[5]}`)).status, 200);
  const rest = await run(["listen", "--edge", edge.url, "--since", "1h", "--count", String(all.length - 2), "--json"], { env });
  deepEqual([rest.status, rest.out.trim().split("\n").length], [0, all.length - 2]);
  match(rest.err, new RegExp(`the edge no longer has the body of ${all[5]}`));
});

test("listen --edge: gets an event that was kept in the quarantine, when it becomes a delivery", async (t) => {
  const storage = folder(t);
  const keys = { WALNUT_WEBHOOK_KEY: "the key after", WALNUT_WEBHOOK_KEY_PREVIOUS: KEY };
  const before = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, WALNUT_WEBHOOK_KEY: "the key before" }, { storage });
  const kept = event({ event: "kept" });
  equal((await post(before.url, kept)).status, 401);
  await eventually(async () => (await admin(before.edge).ask("GET", "status")).quarantine.kept !== 0);
  await before.edge.stop();

  const until = new Date(Date.now() + 3_600_000).toISOString();
  const { url, edge } = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, ...keys, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: until }, { storage });
  const { ask } = admin(edge);
  // More than one page of older deliveries, which are not shown.
  for (let n = 0; n < 25; n++) equal((await post(url, event({ event: "older" }))).status, 200);
  const pulling = start(["listen", "--edge", edge.url, "--interval", "100ms", "--json"], { input: "", env: { ADMIN_TOKEN: TOKEN } });
  t.after(() => pulling.child.kill());
  await once(pulling.child.stderr, "data"); // it has started
  const next = async () => JSON.parse(await pulling.line()).delivery.name;
  equal((await post(url, event({ event: "new" }))).status, 200);
  equal(await next(), "new");
  const [{ id, received }] = (await ask("GET", "rejected")).rejected;
  equal((await ask("POST", `rejected/${id}/deliver`)).stored, "accepted");
  equal((await post(url, event({ event: "last" }))).status, 200);
  equal(await next(), "kept");
  equal(await next(), "last");
  const { deliveries } = await ask("GET", "deliveries?name=kept");
  equal(deliveries[0].received, received);
});

test("listen --edge: exits with 2 without a valid token or without an edge", async (t) => {
  const { edge } = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN });
  const { url } = await endpoint(t, (_, response) => response.writeHead(404).end());
  for (const [at, token, code] of [
    [edge.url, "", "no_token"],
    [edge.url, `${TOKEN}x`, "unauthorized"],
    [url, TOKEN, "no_delivery_log"],
    ["http://127.0.0.1:1", TOKEN, "edge_unreachable"],
  ]) {
    const { status, err } = await run(["listen", "--edge", at, "--json"], { env: { ADMIN_TOKEN: token } });
    equal(status, 2);
    equal(JSON.parse(err.trim().split("\n").at(-1)).error.code, code);
    ok(!err.includes(TOKEN) || token === "");
  }
});

test("listen --edge: retries after a later failure, and sends the token to the edge only", async (t) => {
  const row = { deliveryId: rowId(1), id: "e:1", name: "e", type: "unknown", kind: "first", state: "delivered", received: Date.now() };
  const elsewhere = await endpoint(t);
  const wrong = [
    (response) => response.end("<html>"),
    (response) => response.end("null"),
    (response) => response.writeHead(200, { "content-length": "9" }).end("cut") && response.destroy(),
    (response) => response.writeHead(503).end(),
    (response) => response.writeHead(302, { location: elsewhere.url }).end(),
  ];
  let lists = 0;
  const edge = await endpoint(t, ({ url }, response) => {
    if (url.endsWith("/body")) return response.end("{}");
    if (url.includes("/deliveries/")) return response.end(JSON.stringify({ ...row, contentType: "application/json", signature: sign("{}") }));
    const list = lists++;
    const deliveries = list > wrong.length ? [row] : [];
    if (list === 0 || list > wrong.length) return response.end(JSON.stringify({ deliveries, cursor: null }));
    wrong[list - 1](response);
  });
  const pulling = start(["listen", "--edge", new URL(edge.url).origin, "--interval", "100ms", "--count", "1", "--json"], { input: "", env: { ADMIN_TOKEN: TOKEN } });
  const { status, out, err } = await pulling.ended;
  deepEqual([status, JSON.parse(out).ok], [0, true]);
  const warnings = err.trim().split("\n").flatMap((line) => JSON.parse(line).warning ?? []);
  ok(warnings.length >= 4 && warnings.every((text) => text.endsWith(". It will be tried again")), err);
  equal(elsewhere.taken.length, 0);
});

test("listen --edge: shows a delivery as soon as the edge has stored it, with one request for each delivery", async (t) => {
  const entry = `
    import worker from "./index.js";
    export { Inbox } from "./index.js";
    const fetch = (request, ...more) => {
      if (request.url.includes("/admin/deliveries?")) console.log("list " + request.url);
      return worker.fetch(request, ...more);
    };
    export default { ...worker, fetch };
  `;
  const { url, edge, lines, logged } = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, SHARDS: "2" }, { entry });
  // With this interval, the test would time out if the requests did not ask the edge to wait.
  const args = ["listen", "--edge", edge.url, "--interval", "1h", "--count", "5", "--json"];
  const pulling = start(args, { input: "", env: { ADMIN_TOKEN: TOKEN } });
  t.after(() => pulling.child.kill());
  await logged("list ", "wait=25s");
  for (let n = 0; n < 5; n++) {
    const body = event();
    equal((await post(url, body)).status, 200);
    equal(JSON.parse(await pulling.line()).delivery.id, `demo_session_finished:${JSON.parse(body).data.session_id}`);
  }
  equal((await pulling.ended).status, 0);
  equal(lines.filter((line) => line.startsWith("list ")).length, 1 + 5);
});

test("listen --edge: polls an edge that can't wait", async (t) => {
  const row = { deliveryId: rowId(1), id: "e:1", name: "e", type: "unknown", kind: "first", state: "delivered", received: Date.now() };
  const lists = [];
  const edge = await endpoint(t, ({ url }, response) => {
    if (url.endsWith("/body")) return response.end("{}");
    if (url.includes("/deliveries/")) return response.end(JSON.stringify({ ...row, contentType: "application/json", signature: sign("{}") }));
    lists.push(url.includes("wait="));
    if (lists.at(-1)) return response.writeHead(400).end(JSON.stringify({ error: { code: "invalid_request" } }));
    response.end(JSON.stringify({ deliveries: lists.length > 4 ? [row] : [], cursor: null }));
  });
  const args = ["listen", "--edge", new URL(edge.url).origin, "--interval", "100ms", "--count", "1", "--json"];
  const { status, out, err } = await run(args, { env: { ADMIN_TOKEN: TOKEN } });
  deepEqual([status, JSON.parse(out).ok], [0, true]);
  equal(JSON.parse(err.trim()).warning, undefined);
  deepEqual(lists, [false, true, false, false, false]);
});

test("listen --edge: makes control characters from the edge visible", async (t) => {
  const row = { deliveryId: rowId(1), id: "e:\x1b[31m1", name: "\x1b[1m", type: "\x1b[31mX", kind: "first", state: "erased", received: Date.now() };
  const edge = await endpoint(t, ({ url }, response) => {
    if (url.endsWith("/body")) return response.end("{}");
    if (!url.includes("/deliveries/")) return response.end(JSON.stringify({ deliveries: [{ ...row, deliveryId: rowId(2) }, row], cursor: null }));
    response.end(JSON.stringify({ ...row, contentType: null, signature: url.endsWith(rowId(2)) ? sign("{}") : null }));
  });
  const args = ["listen", "--edge", new URL(edge.url).origin, "--since", "1h", "--count", "1"];
  const { status, out, err } = await run(args, { env: { ADMIN_TOKEN: TOKEN, WALNUT_WEBHOOK_KEY: "" } });
  equal(status, 0);
  match(err, /the edge no longer has the body/);
  ok(!(out + err).includes("\x1b"), JSON.stringify(out + err));

  row.deliveryId = "0-\x1b[2J";
  const odd = await run(args, { env: { ADMIN_TOKEN: TOKEN } });
  deepEqual([odd.status, odd.err.includes("\x1b")], [2, false]);
  match(odd.err, /the response is not from the admin API of an edge/);
});
