// `edge deploy` checks the values of the variables before it deploys anything.
import { deepEqual, doesNotMatch, equal, match } from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cloudflare } from "./cloudflare.mjs";
import { deploy, former, INBOX, ORIGIN, project, test, TOKEN } from "./deploy-support.mjs";
import { KEY } from "./support.mjs";

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
