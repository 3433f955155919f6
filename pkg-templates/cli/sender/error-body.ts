// The error in a response, as the adapters of walnut-webhooks and the edge send it: `{"error": {"code", "message"}}`.
import type { WebhookError } from "walnut-webhooks";
import { visible } from "./visible.js";

/** The error that a response body contains, in printable characters. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  /** Whether the code is one of walnut-webhooks. */
  readonly isOwn: boolean;
}

/** How much of a code and of a message is kept, in characters. */
const MOST_CODE = 100;
const MOST_MESSAGE = 1000;

const OWN: Readonly<Record<WebhookError["code"], true>> = {
  missing_signature: true,
  malformed_signature: true,
  signature_mismatch: true,
  invalid_key: true,
  body_too_large: true,
  not_json: true,
  stale: true,
  body_not_raw: true,
  not_found: true,
  method_not_allowed: true,
  body_timeout: true,
  handler_failed: true,
  handler_timeout: true,
  delivery_busy: true,
  store_failed: true,
};

/** Parses a response body; `undefined` if it is not an error in this form. */
export function errorBody(body: Uint8Array): ErrorBody | undefined {
  let parsed: { readonly error?: { readonly code?: unknown; readonly message?: unknown } | null } | null;
  try {
    parsed = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
  const { code, message } = parsed?.error ?? {};
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return { code: visible(code).slice(0, MOST_CODE), message: visible(message).slice(0, MOST_MESSAGE), isOwn: Object.hasOwn(OWN, code) };
}
