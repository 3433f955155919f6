// Runs the Worker in workerd, in durable mode, with an Express origin behind it, and the harness page. It sends the
// documented sample event through the edge, then a forgery, and shows the result at each hop.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Webhook } from "walnut-webhooks";
import { decisionLines, parseDecision } from "../pkg-cli/edge/decisions.js";
import { newKey, startLocal } from "../pkg-cli/edge/local.js";
import { findWorkerd } from "../pkg-cli/edge/project.js";
import { startHarness } from "../pkg-cli/page.js";

const root = join(import.meta.dirname, "..");
const one = process.env.ONCE === "1";
const color = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (color ? `\x1b[${code}m${text}\x1b[0m` : String(text));
const [bold, dim, red, green] = [1, 2, 31, 32].map(paint);
const say = (line = "") => console.log(line);

/** Returns the port that a variable sets. By default, returns `preferred` if it is free, or else 0, which is any free port. */
async function port(name, preferred) {
  const value = process.env[name];
  if (!value) return (await isFree(preferred)) ? preferred : 0;
  if (/^\d+$/.test(value) && Number(value) <= 65535 && (await isFree(Number(value)))) return Number(value);
  throw new Error(`${name} must be a port from 0 to 65535 that is not in use, but is ${value}`);
}

function isFree(number) {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(number, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

/** Starts the Express example as a process. `next` waits for the next line that it prints. */
async function startOrigin(key, port) {
  const child = spawn(process.execPath, [join(root, "examples/express/server.mjs")], {
    env: { ...process.env, WALNUT_WEBHOOK_KEY: key, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const first = await next();
  if (first === undefined) throw new Error("the origin did not start");
  return { url: first.replace("listening on ", ""), next, stop: () => child.kill() };
}

async function post(url, body, signature) {
  const started = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-walnut-signature": signature },
    body,
  });
  const answer = await response.json();
  return { status: response.status, answer, ms: Math.round(performance.now() - started) };
}

const hop = (from, to, message) => say(`  ${bold(from.padEnd(7))} ${dim("→")} ${bold(to.padEnd(7))} ${message}`);
const status = (number) => (number === 200 ? green(number) : red(number));

async function main(stops) {
  const { WALNUT_WEBHOOK_KEY, ADMIN_TOKEN } = process.env;
  const key = WALNUT_WEBHOOK_KEY || newKey();
  const origin = await startOrigin(key, await port("ORIGIN_PORT", 3000));
  stops.push(origin.stop);

  const decisions = [];
  const decided = new EventEmitter();
  let live = false;
  const edge = await startLocal({
    workerd: findWorkerd(root),
    port: await port("EDGE_PORT", 8787),
    variables: { WALNUT_WEBHOOK_KEY: key, ...(ADMIN_TOKEN && { ADMIN_TOKEN }), MAX_EVENT_AGE: "0" },
    origin: origin.url,
    log: (line) => {
      const entry = parseDecision(line);
      if (entry === undefined) return console.error(line);
      if (live) return decisionLines(entry).forEach((shown) => say(shown));
      decisions.push(entry);
      decided.emit("decision");
    },
  });
  stops.push(edge.stop);
  /** Returns the first decision with one of these events, once there is one. */
  const decision = async (...events) => {
    for (;;) {
      const found = decisions.find(({ event }) => events.includes(event));
      if (found) return found;
      await once(decided, "decision");
    }
  };
  const harness = await startHarness(await port("HARNESS_PORT", 8788));
  stops.push(harness.stop);

  const url = edge.webhook;
  const body = readFileSync(join(root, "tests/vectors/bodies/demo.json"));
  const sha256 = createHash("sha256").update(body).digest("hex");
  const webhook = new Webhook(key);
  const signature = webhook.sign(body);

  say();
  say(bold("A genuine delivery") + dim(`  the documented sample event, ${body.length} bytes, SHA-256 ${sha256.slice(0, 12)}…`));
  const genuine = await post(url, body, signature);
  hop("Walnut", "edge", `POST /webhook, X-Walnut-Signature ${signature.slice(0, 12)}…`);
  if (genuine.status !== 200) throw new Error(`the edge answered ${genuine.status}, ${genuine.answer.error.code}`);
  hop("edge", "Walnut", `${status(genuine.status)}  in ${genuine.ms} ms: verified, and stored`);
  const atEdge = await decision("delivered", "not_delivered");
  const atOrigin = atEdge.event === "delivered" ? JSON.parse(await origin.next()) : {};
  hop("edge", "origin", `signed with the ${atEdge.key} key, ${atEdge.type}, sent byte for byte`);
  hop("origin", "edge", `${status(atEdge.origin)}  accepted ${atOrigin.id}`);
  const same = atOrigin.sha256 === sha256 ? green("the same bytes") : red("other bytes");
  say(dim(`                         ${atOrigin.bytes} bytes, SHA-256 ${atOrigin.sha256?.slice(0, 12)}…: `) + same);

  say();
  say(bold("A forgery") + dim("  the same signature, one byte of the body changed"));
  const changed = Buffer.from(body.toString().replace('"fab_clicks":0', '"fab_clicks":1'));
  const forged = await post(url, changed, signature);
  const rejection = await decision("refused");
  hop("forger", "edge", `POST /webhook, X-Walnut-Signature ${signature.slice(0, 12)}…`);
  hop("edge", "forger", `${status(forged.status)}  ${rejection.code}, rejected by the edge`);

  say();
  say(`  edge     ${url}  ${dim("MAX_EVENT_AGE=0, since the documented sample is from 2023: events of any age are accepted")}`);
  say(`  admin    ${edge.admin}`);
  say(`  origin   ${origin.url}`);
  say(`  harness  ${harness.url}`);
  if (!WALNUT_WEBHOOK_KEY) say(dim(`  the key of this run: ${key} (set WALNUT_WEBHOOK_KEY to use your own)`));
  say();

  const observed = {
    event: atOrigin.name,
    id: atOrigin.id,
    edge: genuine.status,
    origin: atEdge.origin,
    forged: forged.status,
  };
  const succeeded =
    genuine.status === 200 &&
    atEdge.event === "delivered" &&
    atEdge.origin === 200 &&
    atEdge.id === atOrigin.id &&
    atOrigin.sha256 === sha256 &&
    forged.status === 401 &&
    forged.answer.error.code === "signature_mismatch";
  live = true;
  return { observed, succeeded, origin };
}

const stops = [];
const stop = async () => {
  for (const end of stops.reverse()) await end();
};
const interrupted = new Promise((resolve) => {
  // The second signal ends this process at once. Its end also stops the edge and removes the edge's folder.
  let isFirst = true;
  const interrupt = () => {
    if (!isFirst) process.exit(130);
    isFirst = false;
    resolve();
  };
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, interrupt);
});

try {
  const { observed, succeeded, origin } = await main(stops);
  if (!one) {
    say("Running until Ctrl-C. Each decision of the edge and each delivery to the origin is printed here.");
    const relay = async () => {
      for (let line = await origin.next(); line !== undefined; line = await origin.next()) say(`  ${bold("origin")}  ${line}`);
      say(`  ${bold("origin")}  ${red("has ended")}: the edge stores new deliveries and retries them`);
    };
    relay();
    await interrupted;
  }
  await stop();
  if (one) say(JSON.stringify(observed));
  if (!succeeded) process.exitCode = 1;
} catch (error) {
  await stop();
  console.error(`${red("make run failed:")} ${error.message}`);
  process.exitCode = 1;
}
