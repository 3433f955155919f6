// Runs the snippets about the edge against a Worker in Miniflare.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { admin, DURABLE, event, folder, KEY as EDGE_KEY, post as postEvent, sign, start as startEdge, TOKEN } from "../worker/support.mjs";
import { quoted, read, root, rows } from "./markdown.mjs";
import { startExpress } from "./programs.mjs";
import { commands, shell } from "./shell.mjs";

export const wrangler = [process.execPath, join(root, "node_modules/wrangler/bin/wrangler.js")];
export const quiet = { WRANGLER_SEND_METRICS: "false" };

/** Starts an edge with one stored delivery, and a shell whose environment has its URL and token. */
async function startWithDelivery(t, answer, bindings) {
  const edge = await startEdge(t, (origin) => {
    origin.answer = answer;
    return {
      ...DURABLE,
      ADMIN_TOKEN: TOKEN,
      ORIGIN_URL: undefined,
      DESTINATIONS: JSON.stringify([{ name: "crm", url: origin.url }]),
      ...bindings,
    };
  });
  const body = event();
  equal((await postEvent(edge.url, body)).status, 200);
  return { ...edge, body, ...shell(t, { ADMIN_TOKEN: TOKEN, EDGE_URL: edge.edge.url }) };
}

async function dead(t, { code }) {
  const { edge, origin, body, run } = await startWithDelivery(t, (_, response) => response.writeHead(400).end(), { MAX_ATTEMPTS: "1" });
  const { until, ids } = admin(edge);
  await until((await ids())[0], "dead");
  origin.answer = (_, response) => response.end();
  const hour = 3_600_000;
  const time = (at) => new Date(Date.now() + at).toISOString();
  const [listed, redelivered] = commands(
    code.replace("2027-01-31T00:00:00Z", time(-hour)).replace("2027-02-01T00:00:00Z", time(hour)),
  );
  match((await run(listed)).printed, /"state":"dead"/);
  match((await run(redelivered)).printed, /"redelivered":1/);
  equal((await origin.took(2)).body.toString(), body);
}

async function attempts(t, { code }) {
  const { edge, run } = await startWithDelivery(t, (_, response) => response.writeHead(500).end("out of order"));
  const { until, ids } = admin(edge);
  const [id] = await ids();
  await until(id, ({ attempts }) => attempts.length > 0);
  const [listed, shown] = commands(code);
  match((await run(listed)).printed, /"state":"pending"/);
  match((await run(shown.replace("ID", id))).printed, /"how":"status","body":"out of order"/);
}

async function drift(t, { code }) {
  const { url, run, lines, logged } = await startWithDelivery(t, (_, response) => response.end());
  await logged('"keys"');
  lines.length = 0;
  equal((await postEvent(url, event({ phone: 1 }))).status, 200);
  await logged('"keys"');
  match((await run(code)).printed, /"path":"phone","kind":"added","times":1,/);
}

async function laptop(t, { code }) {
  const { body, cwd, run, serve: serveInShell } = await startWithDelivery(t, (_, response) => response.end());
  const receiver = await startExpress(t, { WALNUT_WEBHOOK_KEY: EDGE_KEY });
  const [listen, replay] = commands(code.replaceAll("http://127.0.0.1:3000/webhook", receiver.url));
  await serveInShell(listen, /demo_session_finished/);
  ok(readdirSync(join(cwd, "deliveries")).length > 0, "the delivery was not saved");
  equal((await run(replay)).status, 0);
  // Once from the replay, and once from `listen` if it forwards.
  await receiver.printed(new RegExp(JSON.parse(body).data.session_id), listen.includes("--forward") ? 2 : 1);
}

async function exported(t, { code }) {
  const { body, run } = await startWithDelivery(t, (_, response) => response.end());
  const receiver = await startExpress(t, { WALNUT_WEBHOOK_KEY: EDGE_KEY });
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const [download, replay] = commands(code.replace("2027-01-31T00:00:00Z", since).replace("http://127.0.0.1:3000/webhook", receiver.url));
  for (const command of [download, replay]) {
    const { status, printed } = await run(command);
    equal(status, 0, printed);
  }
  await receiver.printed(new RegExp(JSON.parse(body).data.session_id));
}

/** Commands that the admin API answers. */
async function adminCommands(t, { code }) {
  const { run } = await startWithDelivery(t, (_, response) => response.end());
  for (const command of commands(code)) {
    const { status, printed } = await run(command);
    equal(status, 0, printed);
    ok(!printed.includes('"error"'), `${command}: ${printed}`);
  }
}

/** The names of all fields of a value, and the type of each. */
const shape = (value) => {
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shape(field)]));
};

/** Responses of the admin API about a delivery that its destination rejected, and about a forgery. */
const response = (find) => async (t, { code }) => {
  const { edge, url, logged } = await startWithDelivery(t, (_, response) => response.writeHead(400).end("no such contact"), { MAX_ATTEMPTS: "1" });
  const { ask, ids, until } = admin(edge);
  const [id] = await ids();
  await until(id, "dead");
  equal((await postEvent(url, event(), signedWith("a forger's key", "any body"))).code, "signature_mismatch");
  await logged('"kept"');
  const sample = JSON.parse(code.replace(" … ", ""));
  const { status, code: error, ...given } = await find(ask, id);
  equal(status, 200, error);
  deepEqual(shape(sample), shape(given));
};

/** The fields that a delivery has only if it is not in a list. */
async function detailsOnly(ask, id) {
  const [one, { deliveries }] = [await ask("GET", `deliveries/${id}`), await ask("GET", "deliveries")];
  return Object.fromEntries(Object.entries(one).filter(([name]) => name === "status" || !(name in deliveries[0])));
}

const signedWith = (key, body) => ({ "x-walnut-signature": sign(body, key) });

/** Kept requests: one that only the previous key verifies, and one that no key verifies. */
async function quarantine(t, { code }) {
  const OLD_KEY = "the key before";
  const storage = await folder(t);
  const before = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN }, { storage });
  const body = event();
  for (const key of [OLD_KEY, "a forger's key"]) {
    equal((await postEvent(before.url, body, signedWith(key, body))).code, "signature_mismatch");
    await before.logged('"kept"');
    before.lines.length = 0;
  }
  await before.edge.stop();

  const keys = { WALNUT_WEBHOOK_KEY_PREVIOUS: OLD_KEY, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: new Date(Date.now() + 3_600_000).toISOString() };
  const { edge, origin } = await startEdge(t, { ...DURABLE, ADMIN_TOKEN: TOKEN, ...keys }, { storage });
  const { rejected } = await admin(edge).ask("GET", "rejected");
  const id = (cause) => rejected.find((request) => request.cause === cause).id;
  const { run } = shell(t, { ADMIN_TOKEN: TOKEN, EDGE_URL: edge.url });
  const [list, show, deliver, erase] = commands(code);
  const printed = async (command, cause) => (await run(command.replace("ID", id(cause)))).printed;
  match(await printed(list, "unknown_key"), /"cause":"previous_key"/);
  match(await printed(show, "unknown_key"), /"explained":\{/);
  match(await printed(deliver, "previous_key"), /"stored":"accepted"/);
  equal((await origin.took(1)).body.toString(), body);
  match(await printed(erase, "unknown_key"), /"erased":1/);
}

/** The variables and secrets of the edge. */
const variables = rows(read("docs/edge/configure.md")).flatMap(([cell]) => quoted(cell));

/** Commands of make, and secrets: they need a clone or an account, so only their names are checked. */
function namedCommands(_, { code }) {
  for (const command of commands(code.replaceAll(/\s+#.*$/gm, ""))) {
    if (command.startsWith("make ")) continue; // house.test.mjs checks its targets
    const [, name] = /^npx wrangler secret put (\w+)$/.exec(command) ?? [];
    ok(variables.includes(name), `no test runs ${command}`);
  }
}

async function destinations(t, { code }) {
  const { edge } = await startEdge(t, { ...DURABLE, ORIGIN_URL: undefined, DESTINATIONS: code });
  equal((await fetch(`${edge.url}/healthz`)).status, 200);
}

/** Calculates the figures of docs/edge/scale.md with its formulas. */
function formula(_, { page, code }) {
  const all = rows(read(page)).map((cells) => cells.map((cell) => cell.replaceAll(",", "")));
  if (code.startsWith("deliveries a second")) {
    const shards = all.filter(([first, second]) => /^\d+$/.test(first) && second.endsWith("/s"));
    ok(shards.length > 0);
    for (const [count, ...rates] of shards) {
      deepEqual(rates, [0.02, 0.05, 0.1, 0.5].map((seconds) => `${Math.round((count * 2) / seconds)}/s`));
    }
  } else {
    match(code, /^GB a shard = events a day ÷ SHARDS × 1.6 KB × the longest of RETENTION, MAX_EVENT_AGE and 48 hours$/);
    const sized = all.filter(([first, , third]) => /^up to \d+$/.test(first) && / GB a shard/.test(third));
    ok(sized.length > 0);
    for (const [events, shards, turned] of sized) {
      const days = Math.max(daysOf("RETENTION", turned), daysOf("MAX_EVENT_AGE", turned) ?? 3, 2);
      const gigabytes = (events.slice("up to ".length) * 86_400 * days * 1.6) / shards / 1e6;
      equal(Math.round(gigabytes), Number(/(\d+) GB a shard/.exec(turned)[1]));
    }
  }
}

/** Returns the days that a text sets a variable to; `undefined` if it does not set it. */
function daysOf(name, text) {
  const [, number, unit] = new RegExp(`\\b${name}=([\\d.]+)([hd])`).exec(text) ?? [];
  return number && number / { h: 24, d: 1 }[unit];
}

/** The edge accepts the variables: it rejects the unsigned request, not its configuration. */
async function localEdge(t, { code }) {
  const bindings = Object.fromEntries(code.trim().split("\n").map((line) => /^(\w+)=(.*)$/.exec(line).slice(1)));
  const { url } = await startEdge(t, { ...DURABLE, ORIGIN_URL: undefined, ...bindings });
  equal((await fetch(url, { method: "POST" })).status, 401);
}

export const edgeKinds = {
  sh: namedCommands,
  "sh make": namedCommands,
  "sh admin": adminCommands,
  "sh attempts": attempts,
  "sh export": exported,
  "sh dead": dead,
  "sh drift": drift,
  "sh laptop": laptop,
  "sh quarantine": quarantine,
  "ini .dev.vars": localEdge,
  "json DESTINATIONS": destinations,
  "json list": response((ask) => ask("GET", "deliveries")),
  "json one": response(detailsOnly),
  "json rejected": response((ask) => ask("GET", "rejected")),
  "text formula": formula,
};
