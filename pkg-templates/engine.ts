import * as core from "./core.js";
import { WebhookError, type WebhookErrorCode } from "./error.js";

export { core };

let started = false;

/** Counts the instances of the core: what one held is gone in the next. */
export let generation = 0;

/** Starts the core, once for the whole program. */
export function start(module: () => WebAssembly.Module): void {
  if (started) return;
  core.initSync({ module: module() });
  started = true;
}

/**
 * Calls the core.
 *
 * What Rust refuses becomes a `WebhookError`. Anything else that is thrown came out of the middle of
 * a call, a trap above all: the instance may be in any state, so the next call gets a fresh one.
 */
export function call<T>(run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    throw refusal(thrown) ?? restart(thrown);
  }
}

function refusal(thrown: unknown): WebhookError | undefined {
  const { code, message, status } = thrown as Partial<WebhookError>;
  if (thrown instanceof Error || code === undefined) return undefined;
  return new WebhookError(code as WebhookErrorCode, message ?? code, status ?? 500);
}

function restart(thrown: unknown): unknown {
  core.__wbg_reset_state();
  generation++;
  return thrown;
}

/** Makes a `WebhookError` of what the core describes. */
export function described(thrown: unknown): WebhookError {
  return refusal(thrown) as WebhookError;
}
