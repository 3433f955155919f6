// The variables of `edge start`: from the environment and from a file, valid and invalid.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test as plainTest } from "node:test";
import { unstable_getVarsForDev as getVarsForDev } from "wrangler";
import { admin, event, sign, TOKEN } from "../worker/support.mjs";
import { destination, launch, locks, project, running, startEdge, stop, variables } from "./edge-support.mjs";
import { folder, KEY } from "./support.mjs";

const { parseFile } = await import(pathToFileURL(join(project, "pkg-cli/edge/envfile.js")));
const test = (name, body) => plainTest(name, { timeout: 120_000 }, body);

/** Writes a file of variables. */
function fileOf(t, content) {
  const file = join(folder(t), "edge.env");
  writeFileSync(file, content);
  return file;
}

/** Starts the command on a new folder. It must fail and leave nothing running. Returns its message and the folder. */
async function failsToStart(t, options) {
  const data = join(folder(t), "data");
  const { status, err, out } = await launch(t, data, options).ended;
  deepEqual([status, out], [2, ""], err);
  deepEqual([running(data), locks(data)], [[], []]);
  return { err, data };
}

test("lists every mistake, and writes nothing into a new folder", async (t) => {
  const env = { ...variables(await destination(t)), MAX_ATTEMPTS: "many", ORIGIN_TIMEOUT: "20", WALNUT_WEBHOK_KEY: "x", WALNUT_WEBHOOK_KEY: undefined };
  const { err, data } = await failsToStart(t, { env });
  match(err, /^walnut-webhooks: the edge was not started, because its variables have mistakes:\n/);
  const mistakes = err.split("\n  - ").slice(1);
  equal(mistakes.length, 4, err);
  match(err, /WALNUT_WEBHOK_KEY is not a variable of the edge: did you mean WALNUT_WEBHOOK_KEY\?/);
  for (const name of ["MAX_ATTEMPTS", "ORIGIN_TIMEOUT", "WALNUT_WEBHOOK_KEY"]) ok(mistakes.some((mistake) => mistake.startsWith(name)), err);
  deepEqual(readdirSync(data), []);
});

test("a start after a failed one checks the variables again", async (t) => {
  const data = folder(t);
  const env = variables(await destination(t));
  equal((await launch(t, data, { env, args: ["--host", "192.0.2.1"] }).ended).status, 2);
  const { status, err } = await launch(t, data, { env: { ...env, MODE: "x" } }).ended;
  deepEqual([status, err], [2, "walnut-webhooks: the edge was not started, because its variables have mistakes:\n  - MODE must be durable or direct\n"]);
});

test("a mistake in the variables of a folder in use is logged, and events are held until it is corrected", async (t) => {
  const origin = await destination(t);
  const data = folder(t);
  const env = variables(origin);
  equal((await stop(await startEdge(t, data, { env }))).status, 0);

  const wrong = await startEdge(t, data, { env: { ...env, ORIGIN_TIMEOUT: "20" } });
  equal(wrong.health, 503);
  const { mistakes } = await wrong.logged({ event: "misconfigured" });
  match(mistakes.join(), /^ORIGIN_TIMEOUT /);
  const body = event();
  equal((await wrong.post(body)).status, 200);
  equal((await stop(wrong)).status, 0);
  equal(origin.taken.length, 0);

  equal((await startEdge(t, data, { env })).health, 200);
  equal(`${(await origin.took(1)).body}`, body);
});

test("ignores the variables of other programs", async (t) => {
  const others = { NODE: process.execPath, npm_command: "exec", ORIGIN: "x", ALERT: "x", MAX: "x", NODE_ENV: "production", WALNUT: "x", DEST: "x" };
  const edge = await startEdge(t, folder(t), { env: { ...variables(await destination(t)), ...others } });
  equal(edge.health, 200);
  equal((await edge.post(event())).status, 200);
  await edge.logged({ event: "delivered" });
  ok(edge.lines.every(({ event, warnings = [] }) => event !== "misconfigured" && warnings.length === 0), JSON.stringify(edge.lines));
});

test("reads a file, and the environment takes precedence", async (t) => {
  const origin = await destination(t);
  const file = fileOf(t, `WALNUT_WEBHOOK_KEY="a key # of the file"\nORIGIN_URL=${origin.url} # the destination\nALLOW_LOOPBACK=1\nMAX_EVENT_AGE=0\n`);
  const args = ["--variables", file];
  const edge = await startEdge(t, folder(t), { args, env: { WALNUT_WEBHOOK_KEY: undefined } });
  const body = event();
  equal((await edge.post(body, { "x-walnut-signature": sign(body, "a key # of the file") })).status, 200);
  const other = await startEdge(t, folder(t), { args, env: { WALNUT_WEBHOOK_KEY: KEY } });
  equal((await other.post(event())).status, 200);
  await origin.took(2);
});

test("a misspelt variable in a file is a mistake", async (t) => {
  const env = { ...variables(await destination(t)), WALNUT_WEBHOOK_KEY: undefined };
  const { err } = await failsToStart(t, { args: ["--variables", fileOf(t, "WALNUT_WEBHOK_KEY=x\nMDOE=direct\n")], env });
  match(err, /WALNUT_WEBHOK_KEY is not a variable of the edge: did you mean WALNUT_WEBHOOK_KEY\?/);
  match(err, /MDOE is not a variable of the edge: did you mean MODE\?/);
});

test("says why a file can't be read", async (t) => {
  const path = folder(t);
  for (const [file, why] of [["missing.env", "there is no such file"], [".", "it is a folder"]]) {
    const { err } = await failsToStart(t, { args: ["--variables", join(path, file)] });
    equal(err, `walnut-webhooks: ${join(path, file)} can't be read: ${why}\n`);
  }
});

/** Texts that a careless parser would cut or skip, and the message about each. No message contains the value. */
const MALFORMED = {
  "A=1\nWALNUT_WEBHOOK_KEY secret\n": "line 2: the line is not NAME=VALUE",
  "A=1\n\n# comment\n=secret": "line 4: the line is not NAME=VALUE",
  "KEY=sec#ret": "line 1: # begins a comment: put the value of KEY in quotes, or a blank before the comment",
  "KEY=#secret": "line 1: # begins a comment: put the value of KEY in quotes, or a blank before the comment",
  "A=1\nKEY='secret": "line 2: the value of KEY begins with a quote: end it with the same quote",
  'KEY="secret" secret': "line 1: the value of KEY begins with a quote: end it with the same quote",
  "KEY='secret\nTOKEN='secret'": "line 1: the value of KEY begins with a quote: end it with the same quote",
  "{\n  \"KEY\": \"secret\"\n}": "line 1: the line is not NAME=VALUE",
};

for (const [text, sentence] of Object.entries(MALFORMED)) {
  test(`refuses the file ${JSON.stringify(text)}`, async (t) => {
    const file = fileOf(t, text);
    const { err } = await failsToStart(t, { args: ["--variables", file] });
    equal(err, `walnut-webhooks: ${file}, ${sentence}\n`);
  });
}

test("refuses a file that is not UTF-8", async (t) => {
  const file = fileOf(t, Buffer.from("KEY=\xe4", "latin1"));
  const { err } = await failsToStart(t, { args: ["--variables", file] });
  equal(err, `walnut-webhooks: ${file} is not UTF-8 text\n`);
});

test("reads a file as wrangler reads .dev.vars", (t) => {
  const path = folder(t);
  const json = '[{"name":"crm","url":"https://example.com/a?b=c","headers":{"x":"it\'s"}}]';
  const lines = [
    "PLAIN=value", "SPACES =  a value  ", "export EXPORTED=1", "COLON: value", "EMPTY=", "EMPTY_QUOTES=''", `JSON=${json}`, `QUOTED_JSON='[{"a":"#"}]'`,
    "EQUALS=a=b==", 'HASH="a#b"', "COMMENT=a # b", "SINGLE='a\\nb'", 'DOUBLE="a\\nb"', "TICKS=`it's \"it\"`", 'ESCAPED="a\\"b"', "# X=1", "  INDENTED=1",
    'LINES="a\nb"', "DOLLAR=$HOME ${HOME}", "BACKSLASH=a\\b", "TWICE=1", "TWICE=2", "UMLAUT=ä", "dots.and-dashes=1", "BLANK_QUOTES=' a '", "END=x",
  ];
  for (const [separator, name] of [["\n", "LF"], ["\r\n", "CRLF"]]) {
    const text = lines.join(separator);
    writeFileSync(join(path, ".dev.vars"), text);
    deepEqual(parseFile(Buffer.from(text), "file"), readByWrangler(path), name);
  }
});

/** Returns the variables that wrangler reads from the file .dev.vars of a folder. */
function readByWrangler(path) {
  return Object.fromEntries(Object.entries(getVarsForDev(join(path, "wrangler.jsonc"), undefined, {}, undefined, true)).map(([name, { value }]) => [name, value]));
}

/** More forgeries than the quarantine keeps for one network. */
const FORGERIES = 110;
/** The number of requests that the quarantine keeps for one network. */
const TENTH = 100;

const CLIENTS = {
  "CF-Connecting-IP has no effect": { header: "cf-connecting-ip", kept: TENTH },
  "CF-Connecting-IP has no effect if CLIENT_IP_HEADER names another header": { header: "cf-connecting-ip", named: "x-real-ip", kept: TENTH },
  "CLIENT_IP_HEADER can name CF-Connecting-IP": { header: "cf-connecting-ip", named: "CF-Connecting-IP", kept: FORGERIES },
  "CLIENT_IP_HEADER can name X-Real-IP": { header: "x-real-ip", named: "X-Real-IP", kept: FORGERIES },
};

for (const [name, { header, named, kept }] of Object.entries(CLIENTS)) {
  test(`the address of a client: ${name}`, async (t) => {
    const edge = await startEdge(t, folder(t), { env: { ...variables(await destination(t)), ADMIN_TOKEN: TOKEN, CLIENT_IP_HEADER: named } });
    for (let n = 0; n < FORGERIES; n++) {
      const body = event();
      const headers = { "x-walnut-signature": sign(body, "another key"), [header]: `198.51.${n}.1` };
      equal((await edge.post(body, headers)).status, 401);
    }
    const { ask } = admin(edge);
    const counted = async () => (await ask("GET", "status")).quarantine.kept;
    while ((await counted()) < kept);
    // The inbox keeps requests after it has responded. It finishes this before it answers the next call.
    equal(await counted(), kept);
  });
}
