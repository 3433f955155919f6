// Runs harness as a process: its page and its relay.
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { connect } from "node:net";
import { test as plainTest } from "node:test";
import { endpoint, run, sign, start, startOnTerminal } from "./support.mjs";

const test = (name, body) => plainTest(name, { timeout: 600_000 }, body);

/** Starts the harness, which ends with the test. */
async function harness(t) {
  const { child, line, ended } = start(["harness", "--port", "0", "--json"], { input: "" });
  t.after(() => child.kill());
  const url = new URL(JSON.parse(await line()).url);
  return { child, ended, url, token: url.hash.replace("#token=", "") };
}

test("harness: serves only the page, with its security headers, on the loopback address", async (t) => {
  const { child, ended, url } = await harness(t);
  equal(url.hostname, "127.0.0.1");
  const page = await fetch(url);
  equal(page.headers.get("content-type"), "text/html; charset=utf-8");
  match(page.headers.get("content-security-policy"), /frame-ancestors 'none'/);
  match(await page.text(), /Content-Security-Policy/);
  for (const [path, status] of [["/app.js", 200], ["/style.css", 200], ["/../package.json", 404], ["/%2e%2e/package.json", 404], ["/app.ts", 404]]) {
    equal((await fetch(new URL(path, url))).status, status, path);
  }
  equal((await fetch(url, { method: "POST" })).status, 405);
  child.kill("SIGINT");
  equal((await ended).status, 0);
});

test("harness: relays only requests with the token", async (t) => {
  const { url, token } = await harness(t);
  const origin = await endpoint(t, (_, response) => response.writeHead(302, { location: "/x", "x-said": "1" }).end(Buffer.from([0xff, 0])));
  const relay = (asked, { headers = {}, method = "POST" } = {}) => fetch(new URL("/relay", url), { method, headers: { authorization: `Bearer ${token}`, ...headers }, ...(method === "POST" && { body: typeof asked === "string" ? asked : JSON.stringify(asked) }) });
  const body = Buffer.from([0xef, 0xbb, 0xbf, 0xff]);
  const relayed = { url: origin.url, headers: [["x-walnut-signature", sign(body)], ["content-type", "application/json"]], body: body.toString("base64") };
  const answer = await (await relay(relayed)).json();
  deepEqual([answer.status, answer.error, answer.body], [302, null, "/wA="]);
  ok(answer.headers.some(([name, value]) => name === "x-said" && value === "1"));
  deepEqual(origin.taken[0].body, body);
  equal((await (await relay({ ...relayed, url: "http://127.0.0.1:1/" })).json()).error, "nothing listens there");

  for (const authorization of ["", "Bearer ", `Bearer ${token}x`, token]) equal((await relay(relayed, { headers: { authorization } })).status, 401);
  for (const wrong of ["", "[]", "null", { ...relayed, url: "file:///etc/hostname" }, { ...relayed, url: "x" }, { ...relayed, headers: [["host", "x"]] }, { ...relayed, headers: {} }, { ...relayed, body: 1 }]) {
    equal((await relay(wrong)).status, 400, JSON.stringify(wrong));
  }
  for (const header of [["a\nb", "x"], ["a", "x\ny"]]) {
    const { status, error } = await (await relay({ ...relayed, headers: [header] })).json();
    equal(status, null);
    match(error, /has a character that HTTP does not allow/);
  }
  equal((await relay(relayed, { method: "GET" })).status, 405);
  const whole = Buffer.alloc(1 << 20, 1);
  equal((await (await relay({ ...relayed, body: whole.toString("base64") })).json()).status, 302);
  deepEqual(origin.taken.at(-1).body, whole);
  equal((await relay({ ...relayed, body: "A".repeat(2 << 20) })).status, 400);
  equal((await relay({ ...relayed, body: Buffer.alloc((1 << 20) + 1).toString("base64") })).status, 400);
  for (const wrong of [{ ...relayed, body: "%%%%" }, { ...relayed, url: "http://%zz@127.0.0.1:9/" }, { ...relayed, url: "http://user:pass@127.0.0.1/" }]) equal((await relay(wrong)).status, 400);
  const before = origin.taken.length;

  // A client that disconnects does not end the server.
  const half = connect(url.port, "127.0.0.1");
  await once(half, "connect");
  half.end(`POST /relay HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${token}\r\ncontent-length: 1000\r\n\r\n{`);
  await once(half.resume(), "close");
  equal((await relay("")).status, 400);

  // A foreign page can have a host name that resolves to this address. Its browser sends that name.
  const socket = connect(url.port, "127.0.0.1");
  socket.end(`POST /relay HTTP/1.1\r\nhost: evil.example:${url.port}\r\nauthorization: Bearer ${token}\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}`);
  let answered = "";
  for await (const text of socket.setEncoding("utf8")) answered += text;
  match(answered, /^HTTP\/1\.1 403 /);
  equal(origin.taken.length, before);
});

test("harness: cancels a request that the page no longer waits for", async (t) => {
  const { url, token } = await harness(t);
  const events = new EventEmitter();
  const origin = await endpoint(t, (_, response) => {
    events.emit("arrived");
    response.on("close", () => events.emit("closed"));
  });
  const [arrived, closed] = [once(events, "arrived"), once(events, "closed")];
  const leaving = new AbortController();
  const body = JSON.stringify({ url: origin.url, headers: [], body: "" });
  const relayed = fetch(new URL("/relay", url), { method: "POST", headers: { authorization: `Bearer ${token}` }, body, signal: leaving.signal });
  await arrived;
  leaving.abort();
  await rejects(relayed);
  await closed;
});

test("harness: prints its URL on a terminal, and ends after Ctrl-C", async () => {
  const shown = startOnTerminal(["harness", "--port", "0"]);
  await shown.until("#token=");
  await shown.until("Ctrl-C ends it.");
  shown.type("\x03");
  equal((await shown.ended).status, 0);
  equal((await run(["harness", "--port", "x"])).status, 2);
});
