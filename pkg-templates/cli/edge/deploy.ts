import { tmpdir } from "node:os";
import { join } from "node:path";
import { url as readUrl } from "../args.js";
import { type Command, NAME } from "../command.js";
import { CHECK_FAILED, Failure, OK, usage } from "../failure.js";
import { json, line, say, warn, wrapped } from "../terminal.js";
import { waitForHealth } from "./health.js";
import { hideValues } from "./hide.js";
import { findWorkerd } from "./project.js";
import { checkConfiguration, checkSettings } from "./settings.js";
import { withStandIns } from "./stand-ins.js";
import { type Deployed, nextSteps, webhookUrl } from "./steps.js";
import { tryVariables } from "./trial.js";
import { openWrangler } from "./wrangler.js";
import { wranglerFlags } from "./wrangler-flags.js";

export const edgeDeploy: Command = {
  summary: "deploy the edge to Cloudflare",
  usage: "[--env NAME] [--url URL] [--dry-run] [-- WRANGLER FLAGS]",
  about:
    "Checks that the secrets are set, runs the Worker on this machine to check the variables, deploys the Worker of the current " +
    "folder with wrangler, waits until the edge is healthy, and prints the next steps in Walnut. Without a key, it deploys with " +
    "SETUP=1, since Walnut creates the key later. It prints no value of a variable.",
  positionals: Infinity,
  options: {
    env: { value: "NAME", help: "an environment of wrangler.jsonc; each environment is a separate edge" },
    url: { value: "URL", help: "the address of the edge; the default is the address that wrangler prints" },
    wait: { value: "TIME", help: "how long to wait until the edge is healthy, up to 10m; the default is 60s" },
    "dry-run": { help: "check the vars of wrangler.jsonc and build the Worker, without an account; nothing is deployed" },
  },
  examples: ["edge deploy", "edge deploy --env sales", "edge deploy --dry-run", "edge deploy --url https://hooks.example.com -- --tag v2"],
  async run(args, interruption) {
    const flags = wranglerFlags(args.positionals, Object.keys(edgeDeploy.options));
    const url = args.text("url") === undefined ? undefined : readUrl(args.text("url"), "--url");
    const waitMs = args.duration("wait", 60_000, 600_000);
    const isDry = args.flag("dry-run");
    const isJson = args.flag("json");
    const environment = args.text("env") ?? process.env.CLOUDFLARE_ENV ?? "";
    if (args.text("env") === "") throw usage("--env needs a value: the name of an environment of wrangler.jsonc. Without --env, the top level is deployed");
    const envFlag = environment === "" ? "" : ` --env ${environment}`;
    const signal = interruption();

    const wrangler = await openWrangler(process.cwd(), environment, signal);
    const deployment = { configuration: wrangler.configuration, file: wrangler.file, envFlag };
    checkConfiguration(deployment);
    const { vars } = wrangler.configuration;
    const keepsVars = flags.includes("--keep-vars") || wrangler.configuration.keep_vars === true;
    const show = hideValues(vars, isJson ? (text) => !DRAWING.test(text) && say(text) : line);
    if (isDry) {
      const warnings = await checkVariables(withStandIns(vars, undefined), keepsVars, signal);
      // Only Cloudflare knows whether there is a key, so that SETUP has no effect.
      for (const warning of warnings.filter((warning) => !warning.startsWith("SETUP "))) warn(warning);
      await wrangler.deploy([...flags, "--dry-run"], show);
      if (isJson) json({ deployed: false });
      else line("\nNothing was deployed. The secrets were not checked, since Cloudflare has them.");
      return OK;
    }
    // A Worker that does not exist has no secrets.
    const secrets = (await wrangler.secrets()) ?? [];
    const settings = checkSettings(deployment, secrets);
    const variables = { ...withStandIns(vars, secrets), ...(settings.isSetup && { SETUP: "1" }) };
    for (const warning of [...settings.warnings, ...(await checkVariables(variables, keepsVars, signal))]) warn(warning);
    if (settings.isSetup) say("WALNUT_WEBHOOK_KEY is not set yet, so the edge is deployed with SETUP=1.");
    const targets = await wrangler.deploy([...flags, ...(settings.isSetup ? ["--var", "SETUP:1"] : [])], show);
    const base = url ?? address(targets);
    const redeploy = `npx ${NAME} edge deploy${envFlag}`;
    const health = await waitForHealth(new URL("/healthz", base), { hasKey: !settings.isSetup, waitMs, redeploy, envFlag }, signal);
    report({ base, health, settings, envFlag }, isJson);
    return OK;
  },
};

/**
 * Runs the Worker on this machine with the variables, and returns the warnings about them. A machine that can't run it can
 * still deploy.
 *
 * @throws Failure `misconfigured`.
 */
async function checkVariables(variables: Readonly<Record<string, string>>, keepsVars: boolean, signal: AbortSignal): Promise<string[]> {
  if (keepsVars) return [`${UNCHECKED}: Cloudflare keeps the variables of the dashboard, which this command can't read`];
  try {
    const workerd = findWorkerd(process.cwd());
    return await tryVariables({ workerd, prefix: join(tmpdir(), "walnut-webhooks-"), variables, signal, prevented: "the Worker was not deployed" });
  } catch (error) {
    if (!(error instanceof Failure) || ["misconfigured", "interrupted"].includes(error.code)) throw error;
    return [`${UNCHECKED}: ${error.message}`];
  }
}

/** A blank line, or one that only draws a box. */
const DRAWING = /^[\s\u2500-\u257f]*$/;

const UNCHECKED = "the values of the variables were not checked";

/** Returns the address of the Worker, from the addresses and schedules that wrangler prints. */
function address(targets: readonly string[]): URL {
  const hosts = targets.map((target) => /^(?:https:\/\/)?([\w.-]+)(?: \(custom domain\b.*)?$/.exec(target)?.[1]);
  const host = hosts.find((host) => host !== undefined);
  if (host !== undefined) return new URL(`https://${host}`);
  throw new Failure("no_address", "the Worker is deployed, but wrangler did not print its address: give the address with --url", CHECK_FAILED);
}

function report(deployed: Deployed, isJson: boolean): void {
  const { base, health } = deployed;
  const steps = nextSteps(deployed);
  if (isJson) {
    json({ deployed: true, url: base.origin, webhookUrl: webhookUrl(deployed) ?? null, status: health, steps });
    return;
  }
  line(`\n${base.origin} is healthy${health === "setup" ? ", and waits for its key" : ""}. The next steps, in this order:\n`);
  steps.forEach((step, index) => line(`${index + 1}. ${wrapped(step, "   ").trimStart()}`));
}
