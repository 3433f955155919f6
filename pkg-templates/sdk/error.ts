import type { WebhookErrorCode } from "./contract.js";

/**
 * Says why a delivery was rejected.
 *
 * Recognise it by `code`, never by `instanceof`: two copies of a package can be loaded. Its message
 * never contains a key or a calculated signature.
 */
export class WebhookError extends Error {
  override readonly name = "WebhookError";

  constructor(
    /** What went wrong: one of the contract's codes. */
    readonly code: WebhookErrorCode,
    message: string,
    /** The HTTP status to answer with. */
    readonly status: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
