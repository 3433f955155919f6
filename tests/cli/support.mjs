// Runs the command line as its users do: as a process, with or without a terminal.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";

export const main = join(import.meta.dirname, "../../pkg-cli/main.js");
export const KEY = "walnut-webhooks-vectors";
export const bodies = join(import.meta.dirname, "../vectors/bodies");

export const sign = (body, key = KEY) => createHmac("sha256", key).update(body).digest("hex");

/** A folder that is deleted after the test. */
export function folder(t) {
  const path = mkdtempSync(join(tmpdir(), "walnut-cli-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

// A process that a failed test leaves behind would prevent the suite from ending.
const children = new Set();
after(() => {
  for (const child of children) child.kill();
});
const track = (child) => {
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
};

/** An environment without the machine's keys and colours. */
export const environment = (env) => ({ PATH: process.env.PATH, HOME: process.env.HOME, WALNUT_WEBHOOK_KEY: KEY, ...env });

/**
 * Starts a command. `line()` waits for the next line of standard output, and `ended` for the end of the process: its
 * status, or the signal that ended it, and its whole output.
 */
export function start(args, { env = {}, input, cwd } = {}) {
  const child = track(spawn(process.execPath, [main, ...args], { env: environment(env), cwd }));
  const printed = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (printed.out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (printed.err += text));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.on("error", () => {}); // the command may end before it has read everything
  if (input !== undefined) child.stdin.end(input);
  const ended = once(child, "close").then(([code, signal]) => ({ status: code ?? signal, ...printed }));
  return { child, ended, line: async () => (await lines.next()).value };
}

/** Runs a command to its end; its standard input is `input`, or empty. */
export const run = (args, options = {}) => start(args, { input: "", ...options }).ended;

const shellWord = (word) => `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * Starts a command on a pseudo-terminal of 80 columns. `until(text)` waits for a text, `output()` returns all text
 * so far, and `type` types. `ended` resolves to the status and all text.
 */
export function startOnTerminal(args, { env = {}, cwd } = {}) {
  const command = `stty cols 80 rows 24; exec ${[process.execPath, main, ...args].map(shellWord).join(" ")}`;
  const options = { cwd, env: { TERM: "xterm", SHELL: "/bin/sh", ...environment(env) } };
  const child = track(spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], options));
  let shown = "";
  const waiting = new Set();
  child.stdout.setEncoding("utf8").on("data", (text) => {
    shown += text;
    for (const check of waiting) check();
  });
  const ended = once(child, "close").then(([code, signal]) => ({ status: code ?? signal, shown }));
  const until = (text) =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!shown.includes(text)) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      ended.then(() => reject(new Error(`it ended without "${text}": ${shown}`)));
      check();
    });
  return { child, ended, until, output: () => shown, type: (text) => child.stdin.write(text) };
}

/** Starts a real endpoint. It calls `answer(request, response, body, count)`, and `taken` has the received requests. */
export async function endpoint(t, answer = (_, response) => response.end()) {
  const taken = [];
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces);
    taken.push({ method: request.method, headers: request.headers, body });
    answer(request, response, body, taken.length);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}/webhook`, taken };
}

/** Answers like a correct endpoint: 200 to a request that the key has signed, 401 to any other. */
export const verifies = (request, response, body) => {
  response.writeHead(request.headers["x-walnut-signature"] === sign(body) ? 200 : 401).end();
};
