// Checks the variables and secrets of an edge before it is deployed. No message contains a value.
import { CHECK_FAILED, Failure, NOT_RUN } from "../failure.js";
import { distance, nearest } from "../nearest.js";
import { plain } from "../terminal.js";
import { MOST_EDITS, names } from "./variables.js";
import type { WranglerConfiguration } from "./read-configuration.js";

const KEY = "WALNUT_WEBHOOK_KEY";

/** The variables that are secrets with any value. */
const SECRETS = [KEY, "WALNUT_WEBHOOK_KEY_PREVIOUS", "ADMIN_TOKEN"];

export interface Settings {
  /** Whether the edge has no key yet, so that it is deployed with `SETUP=1`. */
  readonly isSetup: boolean;
  readonly hasAdminToken: boolean;
  /** The path of the webhook, or `undefined` if it is a secret. */
  readonly webhookPath: string | undefined;
  readonly warnings: readonly string[];
}

export interface Deployment {
  readonly configuration: WranglerConfiguration;
  /** The file of the configuration. */
  readonly file: string;
  /** The flag that selects the environment in wrangler, with a blank before it; empty at the top level. */
  readonly envFlag: string;
}

/**
 * Checks the configuration alone.
 *
 * @throws Failure `not_an_edge` or `secret_in_vars`.
 */
export function checkConfiguration({ configuration, file, envFlag }: Deployment): void {
  const { vars } = configuration;
  if (vars.MODE !== "direct" && !configuration.durable_objects.bindings.some(({ name }) => name === "INBOX")) {
    const where = envFlag === "" ? file : `this environment of ${file}, which does not inherit it`;
    throw new Failure("not_an_edge", `the Durable Object INBOX is missing in ${where}: copy durable_objects and migrations from a configuration that \`walnut-webhooks edge init\` has written`, NOT_RUN);
  }
  const exposed = inFile(vars).flatMap((name) => {
    const isList = name.startsWith("DESTINATIONS") && hasSecrets(vars[name]);
    const secret = isList ? name : SECRETS.find((other) => distance(name.toUpperCase(), other) <= MOST_EDITS);
    return secret === undefined ? [] : [[name, secret] as [string, string]];
  });
  if (exposed.length === 0) return;
  const each = exposed.map(([name, secret]) => `\n  - ${plain(name)}: remove it, and run ${put(secret, envFlag)}`).join("");
  throw new Failure("secret_in_vars", `${file} has secrets in its vars, which wrangler and Cloudflare's dashboard show:${each}`, CHECK_FAILED);
}

/**
 * Checks the configuration together with the names of the secrets.
 *
 * @throws Failure `missing`.
 */
export function checkSettings({ configuration, file, envFlag }: Deployment, secrets: readonly string[]): Settings {
  const { vars, routes = [] } = configuration;
  const isSet = (name: string) => inFile(vars).includes(name) || secrets.includes(name);
  const missing = (sentence: string) => new Failure("missing", sentence, CHECK_FAILED);
  const misspelt = misspellings([...inFile(vars), ...secrets]);
  if (!isSet("ORIGIN_URL") && !isSet("DESTINATIONS")) {
    const hint = misspelt.find(([, meant]) => meant === "ORIGIN_URL" || meant === "DESTINATIONS");
    const instead = hint === undefined ? "" : `. ${plain(hint[0])} is set: did you mean ${hint[1]}?`;
    throw missing(`ORIGIN_URL or DESTINATIONS is missing, so that the edge has nowhere to deliver: add ORIGIN_URL to the vars of ${file}, or run ${put("ORIGIN_URL", envFlag)}${instead}`);
  }
  const isSetup = !isSet(KEY);
  const noSetup = [vars.MODE === "direct" && "MODE=direct", vars.QUARANTINE === "0" && "QUARANTINE=0"].find((cause) => cause !== false);
  if (isSetup && noSetup !== undefined) {
    throw missing(`${KEY} is missing, and an edge with ${noSetup} can't be deployed without a key: run ${put(KEY, envFlag)}, or remove ${noSetup} until the key is set`);
  }
  const hasAdminToken = isSet("ADMIN_TOKEN");
  // wrangler asks only on a terminal, and its output here is a pipe.
  const domains = routes.flatMap((route) => (typeof route === "object" && route.custom_domain === true ? [plain(route.pattern)] : []));
  const warnings = [
    ...(hasAdminToken ? [] : [`ADMIN_TOKEN is missing, so that the page /admin/ is closed: run ${put("ADMIN_TOKEN", envFlag)} with the output of openssl rand -hex 32`]),
    ...domains.map((domain) => `wrangler gives the domain ${domain} to this Worker without asking, and replaces a DNS record of this name`),
  ];
  return { isSetup, hasAdminToken, webhookPath: webhookPath(vars, secrets), warnings };
}

/** The names of the variables that are set in the file. */
function inFile(vars: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(vars).filter((name) => vars[name] !== "");
}

/** The command that sets a secret. */
export function put(name: string, envFlag: string): string {
  return `npx wrangler secret put ${plain(name)}${envFlag}`;
}

/** Whether a list of destinations has their secrets or headers in it. */
function hasSecrets(destinations: unknown): boolean {
  const text = typeof destinations === "string" ? destinations : JSON.stringify(destinations);
  return /"(?:secret|headers)"\s*:/.test(text);
}

function webhookPath(vars: Readonly<Record<string, unknown>>, secrets: readonly string[]): string | undefined {
  if (typeof vars.WEBHOOK_PATH === "string" && vars.WEBHOOK_PATH !== "") return vars.WEBHOOK_PATH;
  return secrets.includes("WEBHOOK_PATH") ? undefined : "/webhook";
}

/** The names that are likely misspelt names of unset variables, each with the variable. */
function misspellings(set: readonly string[]): [string, string][] {
  const known = names();
  const unset = known.filter((name) => !set.includes(name));
  return set.flatMap((name) => {
    const meant = known.includes(name) ? undefined : nearest(name.toUpperCase(), unset);
    return meant === undefined ? [] : [[name, meant] as [string, string]];
  });
}
