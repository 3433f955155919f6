/** The stable codes of {@link WebhookError}; docs/errors.md says what each means and what to do. */
export type WebhookErrorCode =
  | "missing_signature"
  | "malformed_signature"
  | "signature_mismatch"
  | "invalid_key"
  | "body_not_raw"
  | "body_too_large"
  | "not_json"
  | "stale"
  | "body_timeout"
  | "handler_failed"
  | "handler_timeout"
  | "delivery_busy"
  | "store_failed";

/**
 * Says why a delivery was refused.
 *
 * Recognise it by `code`, never by `instanceof`: two copies of a package can be loaded. Its message
 * never contains a key or a calculated signature.
 */
export class WebhookError extends Error {
  override readonly name = "WebhookError";

  constructor(
    /** What went wrong: one of the contract's words. */
    readonly code: WebhookErrorCode,
    message: string,
    /** The HTTP status to answer with. */
    readonly status: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
