// Valid values in the place of secrets, which only Cloudflare knows: no check of the other variables may fail because of a secret.
import { DESTINATIONS, examples, hasDestination, isMissing } from "./variables.js";

const KEY = "WALNUT_WEBHOOK_KEY";

type Variables = Readonly<Record<string, unknown>>;

/** Returns the variables of the Worker. `secrets` are the names of its secrets, or `undefined` if they are not known. */
export function withStandIns(vars: Variables, secrets: readonly string[] | undefined): Record<string, string> {
  const known = Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]));
  const names = secrets ?? likelySecrets(known);
  return { ...Object.fromEntries(names.map((name) => [name, standIn(name)])), ...known };
}

/** The secrets without which these variables would be a mistake or have no effect. */
function likelySecrets(known: Readonly<Record<string, string>>): string[] {
  const needsAlerts = known.ALERT_FORMAT !== undefined || known.ALERT_SILENCE !== undefined;
  const last = DESTINATIONS.findLastIndex((name) => name in known);
  const likely = [
    KEY,
    ...("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL" in known ? ["WALNUT_WEBHOOK_KEY_PREVIOUS"] : []),
    ...(needsAlerts ? ["ALERT_URL"] : []),
    ...(hasDestination(known) ? [] : ["ORIGIN_URL"]),
    // The lists have no gap.
    ...("ORIGIN_URL" in known ? [] : DESTINATIONS.slice(0, Math.max(last, 0))),
  ];
  return likely.filter((name) => isMissing(name, known));
}

/** The values that the file of examples does not have. */
const VALUES: Readonly<Record<string, string>> = {
  [KEY]: "a stand-in for the key",
  WALNUT_WEBHOOK_KEY_PREVIOUS: "a stand-in for the previous key",
  WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL: "2000-01-01T00:00:00Z",
  ADMIN_TOKEN: "a-stand-in-for-the-token-of-the-admin-page",
  ORIGIN_URL: "https://stand-in.example.com/",
};

function standIn(name: string): string {
  // Fewer fields than in the example, which is not valid in direct mode.
  if (DESTINATIONS.includes(name)) return JSON.stringify([{ name: `stand-in-${DESTINATIONS.indexOf(name) + 1}`, url: VALUES.ORIGIN_URL }]);
  return VALUES[name] ?? examples().get(name) ?? "a stand-in";
}
