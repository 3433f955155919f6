// Checks the variables and secrets of an edge before it is deployed. No message contains a value.
import { CHECK_FAILED, Failure, NOT_RUN } from "../failure.js";
import { nearest } from "../nearest.js";
import { plain } from "../terminal.js";
import { names } from "./variables.js";
import type { WranglerConfiguration } from "./wrangler.js";

const KEY = "WALNUT_WEBHOOK_KEY";

/** Variables that are secrets, whatever their value is. */
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
  /** The names of the secrets that are set, or `undefined` if they are not known. */
  readonly secrets: readonly string[] | undefined;
  /** The flag that names the environment for wrangler, with a blank before it; empty at the top level. */
  readonly envFlag: string;
}

/**
 * @throws Failure `not_an_edge`, `secret_in_vars` or `missing`.
 */
export function checkSettings({ configuration, file, secrets, envFlag }: Deployment): Settings {
  const { vars } = configuration;
  const inFile = Object.keys(vars).filter((name) => vars[name] !== "");
  const isSet = (name: string) => inFile.includes(name) || secrets?.includes(name) === true;
  const isDirect = vars.MODE === "direct";
  if (!isDirect && !configuration.durable_objects.bindings.some(({ name }) => name === "INBOX")) {
    const where = envFlag === "" ? file : `this environment of ${file}, which does not inherit it`;
    throw new Failure("not_an_edge", `the Durable Object INBOX is missing in ${where}: copy durable_objects and migrations from a configuration that \`walnut-webhooks edge init\` has written`, NOT_RUN);
  }
  const put = (name: string) => `npx wrangler secret put ${name}${envFlag}`;
  const exposed = inFile.filter((name) => SECRETS.includes(name) || (name.startsWith("DESTINATIONS") && hasSecrets(vars[name])));
  if (exposed.length > 0) {
    const each = exposed.map((name) => `\n  - ${name}: remove it, and run ${put(name)}`).join("");
    throw new Failure("secret_in_vars", `${file} has secrets in its vars, which wrangler and Cloudflare's dashboard show:${each}`, CHECK_FAILED);
  }
  const misspelt = misspellings([...inFile, ...(secrets ?? [])]);
  const warnings = misspelt.map(([name, meant]) => `${plain(name)} is not a variable of the edge: did you mean ${meant}?`);
  const settings = { isSetup: false, hasAdminToken: isSet("ADMIN_TOKEN"), webhookPath: webhookPath(vars, isSet), warnings };
  if (secrets === undefined) return settings;
  if (!isSet("ORIGIN_URL") && !isSet("DESTINATIONS")) {
    const hint = misspelt.find(([, meant]) => meant === "ORIGIN_URL" || meant === "DESTINATIONS");
    const instead = hint === undefined ? "" : ` ${plain(hint[0])} is set: did you mean ${hint[1]}?`;
    throw new Failure("missing", `ORIGIN_URL or DESTINATIONS is missing, so that the edge has nowhere to deliver: add ORIGIN_URL to the vars of ${file}, or run ${put("ORIGIN_URL")}.${instead}`, CHECK_FAILED);
  }
  const isSetup = !isSet(KEY);
  if (isSetup && (isDirect || vars.QUARANTINE === "0")) {
    const cause = isDirect ? "MODE=direct" : "QUARANTINE=0";
    throw new Failure("missing", `${KEY} is missing, and an edge with ${cause} can't be deployed without a key: run ${put(KEY)}, or remove ${cause} until the key is set`, CHECK_FAILED);
  }
  if (!isSetup && isSet("SETUP")) warnings.push(`SETUP is set, and has no effect, since the edge has a key: remove it from the ${inFile.includes("SETUP") ? `vars of ${file}` : "secrets"}`);
  if (!settings.hasAdminToken) warnings.push(`ADMIN_TOKEN is missing, so that the page /admin/ is closed: run ${put("ADMIN_TOKEN")} with the output of openssl rand -hex 32`);
  // wrangler asks on a terminal only, and its output is not one here.
  const domains = (configuration.routes ?? []).flatMap((route) => (typeof route === "object" && route.custom_domain === true ? [plain(route.pattern)] : []));
  for (const domain of domains) warnings.push(`wrangler gives the domain ${domain} to this Worker without asking, and replaces a DNS record of this name`);
  return { ...settings, isSetup };
}

/** Whether a list of destinations has their secrets or headers in it. */
function hasSecrets(destinations: unknown): boolean {
  const text = typeof destinations === "string" ? destinations : JSON.stringify(destinations);
  return /"(?:secret|headers)"\s*:/.test(text);
}

function webhookPath(vars: Readonly<Record<string, unknown>>, isSet: (name: string) => boolean): string | undefined {
  if (typeof vars.WEBHOOK_PATH === "string" && vars.WEBHOOK_PATH !== "") return vars.WEBHOOK_PATH;
  return isSet("WEBHOOK_PATH") ? undefined : "/webhook";
}

/** The names that are almost those of variables that are not set, each with the variable. */
function misspellings(set: readonly string[]): [string, string][] {
  const known = names();
  const unset = known.filter((name) => !set.includes(name));
  return set.flatMap((name) => {
    const meant = known.includes(name) ? undefined : nearest(name.toUpperCase(), unset);
    return meant === undefined ? [] : [[name, meant] as [string, string]];
  });
}
