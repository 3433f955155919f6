import type { WebhookErrorCode } from "./contract.js";

/**
 * Says why a request was rejected.
 *
 * Recognise it by `code`, never by `instanceof`: two copies of a package can be loaded. Its message
 * never contains a key or a calculated signature.
 */
export class WebhookError extends Error {
  override readonly name = "WebhookError";

  constructor(
    /** The error code. */
    readonly code: WebhookErrorCode,
    message: string,
    /** The HTTP status to answer with. */
    readonly status: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/**
 * Returns whether a value is a {@link WebhookError}, also one from another copy of this package.
 *
 * @example
 * if (isWebhookError(error)) return new Response(error.message, { status: error.status });
 */
export function isWebhookError(value: unknown): value is WebhookError {
  const { name, code, status } = Object(value) as Partial<WebhookError>;
  return Object.prototype.toString.call(value) === "[object Error]" && name === "WebhookError" && typeof code === "string" && typeof status === "number";
}
