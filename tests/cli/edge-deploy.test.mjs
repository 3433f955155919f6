// `edge deploy` with the real wrangler, against a stand-in for Cloudflare's API, and the real workerd.
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cloudflare, UNAUTHORIZED } from "./cloudflare.mjs";
import { deploy, former, INBOX, initialized, ORIGIN, project, putSecret, test, TOKEN } from "./deploy-support.mjs";
import { folder, KEY, start } from "./support.mjs";

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
