// The steps that follow a deployment, in the order in which Walnut's settings allow them.
import { NAME } from "../command.js";
import type { Health } from "./health.js";
import { put, type Settings } from "./settings.js";

export interface Deployed {
  /** The address of the edge. */
  readonly base: URL;
  readonly health: Health;
  readonly settings: Settings;
  readonly envFlag: string;
}

/** The URL to enter in Walnut, or `undefined` if its path is a secret. */
export function webhookUrl({ base, settings }: Deployed): string | undefined {
  return settings.webhookPath === undefined ? undefined : new URL(settings.webhookPath, base).href;
}

export function nextSteps(deployed: Deployed): string[] {
  const { base, health, settings, envFlag } = deployed;
  const url = webhookUrl(deployed) ?? `${base.origin} with the path of your WEBHOOK_PATH`;
  const token = settings.hasAdminToken ? [] : [`Give the edge a token for its page, such as the output of openssl rand -hex 32: ${put("ADMIN_TOKEN", envFlag)}`];
  const test = `In Walnut, click Send a test event. The event appears on the page ${new URL("/admin/", base)} and at its destination.`;
  if (health === "ok") return [...token, `In Walnut, the URL of the webhook under Settings > Webhooks must be ${url}.`, test];
  return [
    ...token,
    `In Walnut, open Settings > Webhooks, and create a webhook. Enter ${url} as its URL, and click Save.`,
    "Right afterwards, switch signature verification on, and copy the key. Until then, the edge acknowledges unsigned events, and does not store them.",
    `Give the key to the edge: ${put("WALNUT_WEBHOOK_KEY", envFlag)}. Within 5 minutes, the edge delivers the signed events that it has kept.`,
    test,
    `Deploy again to end the set-up: npx ${NAME} edge deploy${envFlag}`,
  ];
}
