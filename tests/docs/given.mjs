// Values and helpers for the frames of the snippets.
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sign, signed } from "../examples/support.mjs";

export { deepEqual, equal, match, ok } from "node:assert/strict";
export { Readable } from "node:stream";
export { DEMO, KEY, sign, signed } from "../examples/support.mjs";

const body = (name) => readFileSync(new URL(`../vectors/bodies/${name}.json`, import.meta.url));
export const ID = "demo_session_finished:eb8af248-a970-46fa-bfb0-cb675b6780e1";
/** The same event, indented. */
export const PRETTY = JSON.stringify(JSON.parse(body("demo")), undefined, 2);

/** Collects the arguments of all later calls of a console method. */
export function recordConsole(console, method) {
  const logged = [];
  console[method] = (...words) => void logged.push(...words);
  return logged;
}

/** Makes a folder that is deleted when the process ends. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), "walnut-"));
  process.on("exit", () => rmSync(path, { recursive: true }));
  return path;
}

export const read = (path) => readFileSync(path, "latin1");
export const mode = (path) => statSync(path).mode & 0o777;

/** Explains a saved request, as JSON. */
export function explained(path) {
  const program = fileURLToPath(new URL("../../pkg-cli/main.js", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "explain", "--request", path, "--json"], { encoding: "utf8" });
  return { status, out: stdout || stderr };
}

/** Runs a server while `ask` calls it. */
async function whileServed(server, ask) {
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    return await ask(`http://127.0.0.1:${server.address().port}/webhook`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function post(url, body, headers) {
  const response = await fetch(url, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  return { status: response.status, text: await response.text() };
}

/** The response of an app to one request. */
export const sent = (app, body, headers = signed(body)) => whileServed(createServer(app), (url) => post(url, body, headers));

/** The status codes of a server for an event, for a duplicate, and for a forgery. */
export const served = (server) =>
  whileServed(server, async (url) => {
    const demo = body("demo");
    const genuine = await post(url, demo, signed(demo));
    const again = await post(url, demo, signed(demo));
    const forged = await post(url, demo, { "x-walnut-signature": sign("another body") });
    return { genuine: genuine.status, again: again.status, forged: forged.status };
  });

export const received = (app) => served(createServer(app));
