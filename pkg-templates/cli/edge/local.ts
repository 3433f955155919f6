// An edge to try out on this machine. The key, the admin token and the destination are made up if they are not set.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasDestination, isMissing } from "./variables.js";
import { type Edge, startEdge } from "./workerd.js";

/** How long the requests in flight may take after Ctrl-C, in milliseconds. */
const GRACE_MS = 2000;

export interface LocalOptions {
  /** The path of workerd's executable. */
  readonly workerd: string;
  /** The folder for the storage; a temporary one if it is not given. */
  readonly data?: string | undefined;
  /** 0 is any free port. */
  readonly port: number;
  /** The variables that are set. */
  readonly variables: Readonly<Record<string, string>>;
  /** The URL of the destination, if no other is set. */
  readonly origin: string;
  /** Receives each line of the log. */
  log(line: string): void;
}

export interface LocalEdge extends Pick<Edge, "ended"> {
  /** The URL for Walnut's webhooks. */
  readonly webhook: string;
  /** The URL of the admin page. It has the token in its fragment, if the token was made up. */
  readonly admin: string;
  /** The values that were made up. */
  readonly madeUp: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export const newKey = () => randomBytes(16).toString("hex");

export async function startLocal({ workerd, data, port, variables, origin, log }: LocalOptions): Promise<LocalEdge> {
  const defaults = {
    // During the set-up, the edge has no key yet.
    ...(variables.SETUP !== "1" && { WALNUT_WEBHOOK_KEY: newKey() }),
    ADMIN_TOKEN: randomBytes(24).toString("base64url"),
    ALLOW_LOOPBACK: "1",
    ...(!hasDestination(variables) && { ORIGIN_URL: origin }),
  };
  const madeUp = Object.fromEntries(Object.entries(defaults).filter(([name]) => isMissing(name, variables)));
  const folder = data ?? temporary();
  const all = { ...variables, ...madeUp };
  const edge = await startEdge({ workerd, data: folder, owner: "dev", host: "127.0.0.1", port, variables: all, log });
  return {
    webhook: edge.url + (all.WEBHOOK_PATH || "/webhook"),
    admin: `${edge.url}/admin/${madeUp.ADMIN_TOKEN === undefined ? "" : `#token=${madeUp.ADMIN_TOKEN}`}`,
    madeUp,
    ended: edge.ended,
    stop: () => edge.stop(GRACE_MS),
  };
}

/** Creates a folder that this process removes when it exits. */
function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), "walnut-webhooks-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
