import * as core from "./core.js";
import { WebhookError, type WebhookErrorCode } from "./error.js";

export { core };

/** Gets the core's compiled module: a `WebAssembly.Module`, a name that not every project's types have. */
export type Compile = () => object;

let started = false;
let broken = false;
let restarts = 0;

/** Starts the core, once for the whole program. */
export function start(module: Compile): void {
  if (started) return;
  core.initSync({ module: module() });
  started = true;
}

/** Names the instance of the core that the next call uses: what an earlier one held is gone. */
export function instance(): number {
  if (broken) {
    core.__wbg_reset_state();
    broken = false;
    restarts++;
  }
  return restarts;
}

/**
 * Calls the core.
 *
 * What Rust refuses becomes a `WebhookError`. Anything else that is thrown came out of the middle of
 * a call, a trap or a full stack: the instance may be in any state, so the next call gets a fresh one.
 */
export function call<T>(run: () => T): T {
  instance();
  try {
    return run();
  } catch (thrown) {
    const refused = refusal(thrown);
    if (refused === undefined) broken = true;
    throw refused ?? thrown;
  }
}

function refusal(thrown: unknown): WebhookError | undefined {
  const { code, message, status } = thrown as Partial<WebhookError>;
  if (thrown instanceof Error || code === undefined) return undefined;
  return new WebhookError(code as WebhookErrorCode, message ?? code, status ?? 500);
}

/** Makes a `WebhookError` of what the core describes. */
export function described(thrown: unknown): WebhookError {
  return refusal(thrown) as WebhookError;
}
