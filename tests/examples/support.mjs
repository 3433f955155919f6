import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export const root = join(import.meta.dirname, "../..");
export const KEY = "the key of the examples";

/** The options of a test that starts programs. A program that hangs fails the test. */
export const patience = { timeout: 600_000 };

const body = (name) => readFileSync(join(root, `tests/vectors/bodies/${name}.json`));
export const DEMO = body("demo");
export const PLAYLIST = body("playlist");
const DEMO_PRINTED = "demo_session_finished demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
const PLAYLIST_PRINTED = "playlist_session_finished playlist_session_finished:5d1b5c3e-1e0e-4b38-8a44-9d3a0f5f2c77";

/** Signs according to Walnut's documentation, without the package. */
export const sign = (body, key = KEY) => createHmac("sha256", key).update(body).digest("hex");
export const signed = (body, key) => ({ "x-walnut-signature": sign(body, key) });

/** Runs a program to its end. If it fails, the error contains its output. */
export async function run([program, ...args], cwd, env = {}) {
  await promisify(execFile)(program, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 });
}

/**
 * Starts a program that ends with the test. `lines` is its output, `printed(pattern, nth)` waits for the nth line that
 * matches, and `stop(signal)` ends the program. `user` has the `uid` and the `gid` to run it as.
 */
export function start(t, [program, ...args], { cwd, env = {}, input = "ignore", user = {}, stopSignal = "SIGTERM" } = {}) {
  const child = spawn(program, args, {
    cwd,
    ...user,
    env: { ...process.env, WALNUT_WEBHOOK_KEY: KEY, PORT: "0", ...env },
    stdio: [input, "pipe", "pipe"],
  });
  const lines = [];
  const changes = new EventEmitter();
  let ended;
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      changes.emit("change");
    });
  }
  child.on("error", (error) => lines.push(error.message));
  child.on("close", (code, signal) => {
    ended = `${program} ended with ${code ?? signal}`;
    changes.emit("change");
  });

  const stop = async (signal = stopSignal) => {
    child.kill(signal);
    while (ended === undefined) await once(changes, "change");
  };
  t.after(() => stop());
  const printed = async (pattern, nth = 1) => {
    for (;;) {
      const line = lines.filter((line) => pattern.test(line))[nth - 1];
      if (line !== undefined) return line;
      if (ended !== undefined) throw new Error(`${ended} before it printed ${pattern}:\n${lines.join("\n")}`);
      await once(changes, "change");
    }
  };
  return { stdin: child.stdin, lines, printed, stop };
}

/** Starts a server and waits until it prints its address; `url` is its webhook. */
export async function serve(t, command, { path = "/webhook", ...options } = {}) {
  const server = start(t, command, options);
  const line = await server.printed(/https?:\/\//);
  const { port } = new URL(/https?:\/\/\S+/.exec(line)[0]);
  return { ...server, url: `http://127.0.0.1:${port}${path}` };
}

/** Finds a free port, for a program that cannot choose one itself. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/** Posts a body in chunks, so that the receiver does not know its length in advance. */
export async function post(url, body, headers = signed(body)) {
  const sent = request(url, {
    method: "POST",
    headers: { "content-type": "application/json", "transfer-encoding": "chunked", ...headers },
    agent: false,
  });
  sent.end(body);
  const [response] = await once(sent, "response");
  const pieces = [];
  for await (const piece of response) pieces.push(piece);
  const text = Buffer.concat(pieces).toString();
  assert.match(text, /^\{/, `${url} answered ${response.statusCode} without JSON`);
  return { status: response.statusCode, ...JSON.parse(text) };
}

/**
 * Posts genuine and forged requests, and checks that the receiver prints only the genuine events. `post(body, headers)`
 * resolves to the status and the fields of the response.
 */
export async function receives({ lines, printed }, post) {
  const rejects = async (status, code, ...sent) => {
    const answer = await post(...sent);
    assert.deepEqual([answer.status, answer.error?.code], [status, code]);
  };
  assert.deepEqual(await post(DEMO), { status: 200, ok: true });
  await rejects(401, "signature_mismatch", DEMO.toString().replace("Demo", "demo"), signed(DEMO));
  await rejects(401, "missing_signature", DEMO, {});
  await rejects(413, "body_too_large", JSON.stringify({ event: "x".repeat(1 << 20) }));
  assert.deepEqual(await post(PLAYLIST), { status: 200, ok: true });

  await printed(/playlist_session_finished:/);
  assert.deepEqual(lines.filter((line) => line.includes("_session_finished:")), [DEMO_PRINTED, PLAYLIST_PRINTED]);
}
