// `edge deploy` with the real wrangler, against a stand-in for Cloudflare's API, and the real workerd.
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test as plainTest } from "node:test";
import { cloudflare, UNAUTHORIZED } from "./cloudflare.mjs";
import { folder, KEY, run, start } from "./support.mjs";

const root = join(import.meta.dirname, "../..");
const test = (name, body) => plainTest(name, { timeout: 300_000 }, body);
const TOKEN = "0123456789abcdef0123456789abcdef-token";
const ORIGIN = "https://origin.example.com/walnut-events";

const INBOX = {
  durable_objects: { bindings: [{ name: "INBOX", class_name: "Inbox" }] },
  migrations: [{ tag: "v1", new_sqlite_classes: ["Inbox"] }],
};
const CONFIGURATION = {
  name: "walnut-webhooks",
  main: "node_modules/walnut-webhooks-cli/worker/index.js",
  compatibility_date: "2026-04-01",
  triggers: { crons: ["*/5 * * * *"] },
  observability: { enabled: true },
  vars: { ORIGIN_URL: ORIGIN },
  ...INBOX,
};

/** Installs wrangler, workerd and the command line in a folder. */
function install(path) {
  mkdirSync(join(path, "node_modules"));
  for (const name of ["wrangler", "workerd"]) symlinkSync(join(root, "node_modules", name), join(path, "node_modules", name));
  symlinkSync(join(root, "pkg-cli"), join(path, "node_modules/walnut-webhooks-cli"));
  return path;
}

/** A folder with a configuration of wrangler. */
function project(t, configuration = {}) {
  const path = install(folder(t));
  writeFileSync(join(path, "package.json"), "{}");
  writeFileSync(join(path, "wrangler.jsonc"), `// a comment\n${JSON.stringify({ ...CONFIGURATION, ...configuration })}`);
  return path;
}

/** A folder that `edge init` has written. */
async function initialized(t) {
  const path = join(folder(t), "edge");
  const { status, err } = await run(["edge", "init", path, "--origin", ORIGIN]);
  equal(status, 0, err);
  return install(path);
}

/** Deploys from a folder that has its own login of wrangler. */
const deploy = (cwd, args = [], env = {}) => run(["edge", "deploy", ...args], { cwd, env: { HOME: cwd, ...env } });

/** A Worker that was deployed before, with secrets. */
const former = (secrets) => ({ vars: {}, secrets, deployments: 0, migration: "v1" });

/** Sets a secret as a user does, with wrangler. */
async function putSecret(cwd, env, name, value) {
  const wrangler = join(cwd, "node_modules/wrangler/bin/wrangler.js");
  const child = spawn(process.execPath, [wrangler, "secret", "put", name], { cwd, env: { PATH: process.env.PATH, HOME: cwd, ...env } });
  child.stdin.end(value);
  child.stdout.resume();
  child.stderr.resume();
  const [code] = await once(child, "close");
  equal(code, 0, `wrangler secret put ${name}`);
}

test("deploys in set-up without a key, and ends the set-up once a key is set", async (t) => {
  const { env, url, workers, unknown } = await cloudflare(t);
  const path = await initialized(t);
  const first = await deploy(path, ["--url", url], env);
  equal(first.status, 0, first.err);
  const [[name]] = workers;
  const worker = () => workers.get(name);
  deepEqual(worker().vars, { ORIGIN_URL: ORIGIN, SETUP: "1" });
  deepEqual(worker().metadata.migrations?.new_tag, "v1");
  match(worker().parts.join(), /core_bg\.wasm/);
  match(first.err, /ADMIN_TOKEN is missing, so that the page \/admin\/ is closed: run npx wrangler secret put ADMIN_TOKEN/);
  match(first.err, /WALNUT_WEBHOOK_KEY is not set yet, so the edge is deployed with SETUP=1/);
  match(first.out, new RegExp(`Uploaded ${name}`));
  match(first.out, /is healthy, and waits for its key/);
  const steps = [/secret\s+put\s+ADMIN_TOKEN/, /create a webhook/, /\/webhook\s+as its URL/, /signature verification on/, /secret\s+put\s+WALNUT_WEBHOOK_KEY/, /Send a test event/, /Deploy again/];
  const places = steps.map((step) => first.out.search(step));
  deepEqual(places, [...places].sort((a, b) => a - b));
  equal(places.includes(-1), false, first.out);

  await putSecret(path, env, "ADMIN_TOKEN", TOKEN);
  await putSecret(path, env, "WALNUT_WEBHOOK_KEY", KEY);
  const second = await deploy(path, ["--url", url, "--json"], env);
  equal(second.status, 0, second.err);
  deepEqual(worker().vars, { ORIGIN_URL: ORIGIN });
  const { deployed, webhookUrl, status, steps: next } = JSON.parse(second.out);
  deepEqual({ deployed, webhookUrl, status }, { deployed: true, webhookUrl: `${url}/webhook`, status: "ok" });
  equal(next.length, 2);
  for (const text of second.err.trim().split("\n")) JSON.parse(text);
  for (const printed of [first.out, first.err, second.out, second.err]) {
    for (const value of [KEY, TOKEN, ORIGIN]) equal(printed.includes(value), false, printed);
  }
  deepEqual(unknown, []);
});

test("deploys an environment, and names it in each step", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  const path = project(t, { env: { sales: { ...INBOX, vars: { ORIGIN_URL: ORIGIN, WEBHOOK_PATH: "/sales" } } } });
  const { status, out, err } = await deploy(path, ["--env", "sales", "--url", url, "--json"], env);
  equal(status, 0, err);
  deepEqual([...workers.keys()], ["walnut-webhooks-sales"]);
  const { webhookUrl, steps } = JSON.parse(out);
  equal(webhookUrl, `${url}/sales`);
  const commands = steps.flatMap((step) => step.match(/npx .*?(?=\.|$)/g) ?? []);
  deepEqual(commands, [
    "npx wrangler secret put ADMIN_TOKEN --env sales",
    "npx wrangler secret put WALNUT_WEBHOOK_KEY --env sales",
    "npx walnut-webhooks edge deploy --env sales",
  ]);
});

test("says how to correct an edge that holds its events", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  workers.set("walnut-webhooks", former({ WALNUT_WEBHOOK_KEY: KEY, ADMIN_TOKEN: TOKEN, ORIGIN_URL: "not a URL" }));
  const { status, err } = await deploy(project(t, { vars: {} }), ["--url", url, "--wait", "1s"], env);
  equal(status, 1);
  match(err, /\/healthz answered 503 misconfigured\. The edge accepts events, and holds them, because its variables have mistakes/);
  match(err, /\/admin\/ lists the mistakes.*Correct them, and run npx walnut-webhooks edge deploy$/m);
});

test("says how to correct an edge that does not accept events", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  workers.set("walnut-webhooks", former({ WALNUT_WEBHOOK_KEY: "", ADMIN_TOKEN: TOKEN }));
  const { status, err } = await deploy(project(t), ["--url", url, "--wait", "1s"], env);
  equal(status, 1);
  match(err, /\/healthz answered 500 misconfigured\. The edge does not accept events, because WALNUT_WEBHOOK_KEY is missing or invalid/);
  match(err, /run npx wrangler secret put WALNUT_WEBHOOK_KEY, and run npx walnut-webhooks edge deploy$/m);
});

test("checks the health at the address that wrangler prints", async (t) => {
  const { env } = await cloudflare(t);
  const { status, err } = await deploy(project(t), ["--wait", "0s"], env);
  equal(status, 1);
  match(err, /https:\/\/walnut-webhooks\.s{64}\.workers\.dev\/healthz can't be reached: there is no such host/);
});

test("checks the health at a custom domain", async (t) => {
  const { env } = await cloudflare(t);
  const path = project(t, { routes: [{ pattern: "hooks.example.invalid", custom_domain: true }] });
  const { status, err } = await deploy(path, ["--wait", "0s"], env);
  equal(status, 1);
  match(err, /wrangler gives the domain hooks\.example\.invalid to this Worker without asking/);
  match(err, /https:\/\/hooks\.example\.invalid\/healthz can't be reached: there is no such host/);
});

test("reports an address at which no edge answers", async (t) => {
  const { env } = await cloudflare(t);
  const { status, err } = await deploy(project(t), ["--wait", "0s", "--url", env.CLOUDFLARE_API_BASE_URL], env);
  equal(status, 1);
  match(err, /\/healthz answered \d+, which is not the response of an edge\. If the edge has another address, give it with --url/);
});

test("deploys nothing without a destination, a key or the quarantine, and suggests the nearest variable", async (t) => {
  const { env, workers } = await cloudflare(t);
  for (const [vars, secrets, message] of [
    [{}, {}, /ORIGIN_URL or DESTINATIONS is missing.* add ORIGIN_URL to the vars of wrangler\.jsonc, or run npx wrangler secret put ORIGIN_URL$/m],
    [{ ORIGIN_URL: "" }, { ORIGN_URL: ORIGIN }, /ORIGN_URL is set: did you mean ORIGIN_URL\?/],
    [{ ORIGIN_URL: ORIGIN, MODE: "direct" }, {}, /WALNUT_WEBHOOK_KEY is missing, and an edge with MODE=direct can't be deployed without a key/],
    [{ ORIGIN_URL: ORIGIN, QUARANTINE: "0" }, {}, /WALNUT_WEBHOOK_KEY is missing, and an edge with QUARANTINE=0 can't/],
  ]) {
    workers.set("walnut-webhooks", former(secrets));
    const { status, out, err } = await deploy(project(t, { vars }), [], env);
    deepEqual([status, out], [1, ""], err);
    match(err, message);
    equal(err.includes(ORIGIN), false);
    equal(workers.get("walnut-webhooks").deployments, 0);
  }
});

test("rejects secrets in the vars, and prints no value of a variable", async (t) => {
  const hidden = "a-value-that-is-hidden";
  const destinations = JSON.stringify([{ name: "crm", url: ORIGIN, secret: hidden }]);
  const exposed = await deploy(project(t, { vars: { WALNUT_WEBHOOK_KEY: hidden, ADMIN_TOKEN: hidden, DESTINATIONS_2: destinations, ORIGIN_URL: ORIGIN } }), ["--dry-run"]);
  deepEqual([exposed.status, exposed.out], [1, ""]);
  const misspelt = await deploy(project(t, { vars: { WALNUT_WEBHOK_KEY: hidden, Admin_Tokn: hidden, ORIGIN_URL: ORIGIN } }), ["--dry-run"]);
  deepEqual([misspelt.status, misspelt.out], [1, ""]);
  match(misspelt.err, /- WALNUT_WEBHOK_KEY: remove it, and run npx wrangler secret put WALNUT_WEBHOOK_KEY\n {2}- Admin_Tokn: remove it, and run npx wrangler secret put ADMIN_TOKEN$/m);
  for (const name of ["WALNUT_WEBHOOK_KEY", "ADMIN_TOKEN", "DESTINATIONS_2"]) match(exposed.err, new RegExp(`- ${name}: remove it, and run npx wrangler secret put ${name}$`, "m"));
  doesNotMatch(exposed.err, /- ORIGIN_URL/);

  const vars = { DESTINATIONS: `[\n{"name":"${hidden}","url":"${ORIGIN}"}\n,{"name":"second-${hidden}","url":"${ORIGIN}"}]`, ALERT_URL: `https://${hidden}.example.com/`, NOTE: { days: hidden } };
  const shown = await deploy(project(t, { vars }), ["--dry-run"]);
  equal(shown.status, 0, shown.err);
  for (const name of Object.keys(vars)) match(shown.out, new RegExp(`^env\\.${name} \\(hidden\\)$`, "m"));
  match(shown.out, /^--dry-run: exiting now/m);
  const wrong = await deploy(project(t, { vars: { DESTINATIONS: `[{"name":"${hidden}"}]`, ORIGIN_URL: ORIGIN, RETENTION: { days: hidden } } }), ["--dry-run"]);
  deepEqual([wrong.status, wrong.out], [2, ""]);
  for (const printed of [exposed.err, misspelt.err, shown.out, shown.err, wrong.err]) {
    equal(printed.includes(hidden), false, printed);
    doesNotMatch(printed, /origin\.example/);
  }
});

/** Vars with mistakes, and the sentence about each. */
const MISTAKES = { RETENTION: "7", SHARDS: 999, MAX_ATTEMPT: "5", MODE: "durabel", ORIGIN_URL: "http://origin.example.com/" };
const SENTENCES = [
  /MAX_ATTEMPT is not a variable of the edge: did you mean MAX_ATTEMPTS\?/,
  /RETENTION must .*7d/, /SHARDS must be a whole number from 1 to 256/, /MODE must be durable or direct/, /ORIGIN_URL must be https/,
];

test("lists every mistake in the vars before anything is deployed", async (t) => {
  const { env, workers } = await cloudflare(t);
  for (const [configuration, flags] of [[{ vars: MISTAKES }, []], [{ env: { sales: { ...INBOX, vars: MISTAKES } } }, ["--env", "sales"]]]) {
    const path = project(t, configuration);
    for (const args of [[...flags, "--dry-run"], flags]) {
      const { status, out, err } = await deploy(path, args, env);
      deepEqual([status, out], [2, ""], err);
      match(err, /^walnut-webhooks: the Worker was not deployed, because its variables have mistakes:$/m);
      equal(err.match(/^ {2}- /gm).length, SENTENCES.length, err);
      for (const sentence of SENTENCES) match(err, sentence);
    }
    const { err } = await deploy(path, [...flags, "--dry-run", "--json"]);
    equal(JSON.parse(err).error.code, "misconfigured");
  }
  equal(workers.size, 0);
});

test("finds a mistake that only the names of the secrets show", async (t) => {
  const { env, workers } = await cloudflare(t);
  const secrets = { WALNUT_WEBHOOK_KEY: KEY, DESTINATIONS: "[]" };
  workers.set("walnut-webhooks", former(secrets));
  const { status, err } = await deploy(project(t), [], env);
  equal(status, 2);
  match(err, /ORIGIN_URL and DESTINATIONS are both set: set only one of them$/m);
  workers.set("walnut-webhooks", former({ ...secrets, MAX_ATTEMPT: "5" }));
  match((await deploy(project(t, { vars: {} }), [], env)).err, /MAX_ATTEMPT is not a variable of the edge: did you mean MAX_ATTEMPTS\?/);
  equal(workers.get("walnut-webhooks").deployments, 0);
});

test("finds no mistake that a secret may prevent", async (t) => {
  const previous = { WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: "2026-01-01T00:00:00Z" };
  const alerts = { ALERT_FORMAT: "teams", ALERT_SILENCE: "24h" };
  const setup = { SETUP: "1", QUARANTINE: "0" };
  const others = { SHARDS: 256, JURISDICTION: "eu" };
  for (const vars of [{}, { ORIGIN_URL: ORIGIN, MODE: "direct" }, { DESTINATIONS_3: [{ name: "crm", url: ORIGIN }], ...previous, ...alerts, ...setup, ...others }]) {
    const { status, err } = await deploy(project(t, { vars }), ["--dry-run"]);
    deepEqual([status, err], [0, ""]);
  }
});

test("finds no mistake in secrets, whose values it can't know", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  const destinations = (name) => JSON.stringify([{ name, url: ORIGIN }]);
  const secrets = {
    WALNUT_WEBHOOK_KEY: KEY, WALNUT_WEBHOOK_KEY_PREVIOUS: `${KEY}-previous`, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: "2026-01-01T00:00:00Z", ADMIN_TOKEN: TOKEN,
    DESTINATIONS: destinations("crm"), DESTINATIONS_2: destinations("mail"), ALERT_URL: ORIGIN, WEBHOOK_PATH: "/hooks", RETENTION: "8d",
  };
  workers.set("walnut-webhooks", former(secrets));
  const { status, err } = await deploy(project(t, { vars: { ALERT_FORMAT: "teams" } }), ["--url", url], env);
  deepEqual([status, err], [0, ""]);
});

test("warns about variables without an effect, and deploys", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  workers.set("walnut-webhooks", former({ WALNUT_WEBHOOK_KEY: KEY, ADMIN_TOKEN: TOKEN, SETUP: "1" }));
  const path = project(t, { vars: { ORIGIN_URL: ORIGIN, TEAM: "sales", ALERT_FORMAT: "json" } });
  const { status, err } = await deploy(path, ["--url", url], env);
  equal(status, 0, err);
  for (const text of ["TEAM is not a variable of the edge, and has no effect: remove it", "ALERT_FORMAT has no effect without ALERT_URL", "SETUP has no effect, because WALNUT_WEBHOOK_KEY is set: remove SETUP"]) {
    match(err, new RegExp(`^warning: ${text}$`, "m"));
  }
});

test("deploys on a machine that can't run the Worker, and says that the values were not checked", async (t) => {
  const { env, url } = await cloudflare(t);
  const path = project(t);
  rmSync(join(path, "node_modules/workerd"));
  const { status, err } = await deploy(path, ["--url", url], env);
  equal(status, 0, err);
  match(err, /^warning: the values of the variables were not checked: workerd is not installed in .*: run npm install/m);
});

test("deploys without the check of the values if it can't know all of them, or can't run the Worker", async (t) => {
  const path = project(t, { vars: { ORIGIN_URL: ORIGIN, WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: "tomorrow" } });
  const unchecked = (reason) => new RegExp(`^warning: the values of the variables were not checked: ${reason}`, "m");
  const kept = await deploy(path, ["--dry-run", "--", "--keep-vars"]);
  equal(kept.status, 0, kept.err);
  match(kept.err, unchecked("Cloudflare keeps the variables of the dashboard"));

  const TMPDIR = join(path, "t".repeat(100));
  mkdirSync(TMPDIR);
  const long = await deploy(path, ["--dry-run"], { TMPDIR });
  equal(long.status, 0, long.err);
  match(long.err, unchecked(".* is too long for a socket"));
});

test("shows no value that has a null byte", async (t) => {
  const { status, out, err } = await deploy(project(t, { vars: { ORIGIN_URL: ORIGIN, NOTE: "hidden\0value" } }), ["--dry-run"]);
  equal(status, 2);
  match(err, /the Worker was not deployed, because NOTE has a null byte: remove it$/m);
  doesNotMatch(out + err, /hidden/);
});

test("builds the Worker with --dry-run, without an account", async (t) => {
  const { status, out, err } = await deploy(project(t), ["--dry-run", "--json", "--", "--tag", "v2", "--message=--dry-run=false", "--strict"]);
  equal(status, 0, err);
  deepEqual(JSON.parse(out), { deployed: false });
  match(err, /Total Upload/);
  const notes = err.trim().split("\n").map((text) => JSON.parse(text).note);
  deepEqual(notes.filter((note) => !/[\w:]/.test(note)), []);
});

test("says that wrangler is not logged in", async (t) => {
  const { env, failures } = await cloudflare(t);
  const path = project(t);
  const { CLOUDFLARE_API_TOKEN: _, ...none } = env;
  const without = await deploy(path, [], none);
  deepEqual([without.status, without.out], [2, ""]);
  match(without.err, /wrangler is not logged in to Cloudflare: run npx wrangler login, or set CLOUDFLARE_API_TOKEN$/m);
  const notLoggedIn = /Cloudflare does not accept the login: run npx wrangler login, or check CLOUDFLARE_API_TOKEN.*\(error 10000\)$/m;
  const wrong = await deploy(path, [], { ...env, CLOUDFLARE_API_TOKEN: "wrong" });
  deepEqual([wrong.status, wrong.out], [2, ""]);
  match(wrong.err, notLoggedIn);
  failures.set("GET /scripts/walnut-webhooks/secrets", UNAUTHORIZED);
  const unpermitted = await deploy(path, [], env);
  deepEqual([unpermitted.status, unpermitted.out], [2, ""]);
  match(unpermitted.err, notLoggedIn);
});

test("shows the error of wrangler", async (t) => {
  const { env, url, failures } = await cloudflare(t);
  failures.set("PUT /scripts/walnut-webhooks", { status: 400, code: 10_027, message: "Your Worker exceeded the size limit." });
  const { status, out, err } = await deploy(project(t), ["--url", url], env);
  equal(status, 2);
  match(`${out}${err}`, /exceeded the size limit/);
  match(err, /^walnut-webhooks: wrangler deploy ended with status 1: A request to the Cloudflare API .* failed\.$/m);
});

test("ends wrangler when it is interrupted", async (t) => {
  const { env, failures } = await cloudflare(t);
  const path = project(t);
  const called = new Promise((resolve) => failures.set("GET /scripts/walnut-webhooks/secrets", resolve));
  const { child, ended } = start(["edge", "deploy"], { cwd: path, env: { HOME: path, ...env } });
  const closed = once(await called, "close");
  child.kill("SIGTERM");
  const { status, err } = await ended;
  deepEqual([status, err], [130, ""]);
  await closed;
});

test("names the missing or invalid part of the folder", async (t) => {
  const empty = folder(t);
  const noWrangler = folder(t);
  writeFileSync(join(noWrangler, "wrangler.jsonc"), "{}");
  const invalid = project(t);
  writeFileSync(join(invalid, "wrangler.jsonc"), `{ "name": `);
  for (const [path, message] of [
    [empty, /this folder has no wrangler\.jsonc: run the command in a folder that `walnut-webhooks edge init` has written/],
    [noWrangler, /wrangler is not installed in .*: run npm install/],
    [invalid, /wrangler can't read wrangler\.jsonc: /],
    [project(t, { durable_objects: undefined }), /the Durable Object INBOX is missing in wrangler\.jsonc/],
  ]) {
    const { status, out, err } = await deploy(path);
    deepEqual([status, out], [2, ""], err);
    match(err, message);
    doesNotMatch(err, /\n\s+at /);
  }
});

test("suggests the nearest environment", async (t) => {
  const path = project(t, { env: { sales: { vars: { ORIGIN_URL: ORIGIN } }, support: INBOX } });
  for (const [args, env, message] of [
    [["--env", "slaes"], {}, /wrangler\.jsonc has no environment "slaes"\. It has sales, support\. Did you mean sales\?$/m],
    [[], { CLOUDFLARE_ENV: "supprt" }, /no environment "supprt".* Did you mean support\?/],
    [["--env", "sales"], {}, /INBOX is missing in this environment of wrangler\.jsonc, which does not inherit it/],
  ]) {
    const { status, err } = await deploy(path, args, env);
    equal(status, 2);
    match(err, message);
  }
  match((await deploy(project(t), ["--env", "sales"])).err, /no environment "sales"\. It has no environments\.$/m);
});

test("passes a tag and a message on to wrangler", async (t) => {
  const { env, url, workers } = await cloudflare(t);
  const { status, err } = await deploy(project(t), ["--url", url, "--", "--tag=v2", "--message", "a b"], env);
  equal(status, 0, err);
  const { metadata } = workers.get("walnut-webhooks");
  deepEqual(metadata.annotations, { "workers/message": "a b", "workers/tag": "v2" });
});

test("rejects flags that would deploy another Worker", async (t) => {
  for (const [args, message] of [
    [["index.js"], /"index\.js" is one argument too many: the flags of wrangler follow --/],
    [["--", "--name=other"], /--name is not a flag that edge deploy passes on to wrangler: it passes on --tag, .* and --strict\.$/m],
    [["--", "-e", "sales"], /-e is not a flag that edge deploy passes on/],
    [["--", "--tag", "v2", "evil.js"], /"evil\.js" is one argument too many/],
    [["--", "--script=evil.js"], /--script is not a flag that edge deploy passes on/],
    [["--", "--no-dry-run"], /--no-dry-run is not a flag that edge deploy passes on/],
    [["--", "--dryRun=false"], /--dryRun is not a flag that edge deploy passes on/],
    [["--", "--keepVars"], /--keepVars is not a flag .*\. Did you mean --keep-vars\?$/m],
    [["--", "--dry-run"], /--dry-run is not a flag .*\. It is an option of edge deploy: give it before --$/m],
    [["--", "--tag", "--strict"], /--tag needs a value\. If the value begins with "-", write --tag=VALUE$/m],
    [["--", "--tag"], /--tag needs a value/],
    [["--", "--tag="], /--tag needs a value/],
    [["--", "--strict=false"], /--strict takes no value/],
    [["--env", ""], /--env/],
    [["--url", "hooks.example.com"], /--url must begin with http/],
    [["--wait", "5"], /--wait must have a unit/],
  ]) {
    const { status, err } = await deploy(folder(t), args);
    equal(status, 2);
    match(err, message);
  }
});
