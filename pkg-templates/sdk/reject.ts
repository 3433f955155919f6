// Reports rejected requests: to onReject, or to the log.
import type { ExplanationCause } from "./contract.js";
import type { WebhookError } from "./error.js";
import type { Explanation } from "./explainer.js";
import type { SignatureHeader } from "./input.js";
import { callback } from "./options.js";
import type { Received, WebhookLike } from "./receive.js";

/** The second argument of `onReject`. */
export interface RejectContext<Request> {
  /** The request, as the framework provides it. */
  readonly request: Request;
  /**
   * The raw body as far as it was read. It is whole if the signature did not match, and empty if the request was
   * rejected by its head.
   */
  readonly body: Uint8Array;
  /**
   * Explains the rejection. It loads `walnut-webhooks/explain` at the first call.
   *
   * It calculates up to some hundred signatures, and strangers cause most rejections: do not call it for each of them.
   *
   * The result may contain some bytes of the body: it belongs in your log, not in a response.
   */
  explain(): Promise<Explanation>;
}

export interface RejectOptions<Request> {
  /**
   * Called with each rejection: after the response is sent, or just before the handler returns it.
   * By default, failures of the receiver and rejections of genuine events are logged. Strangers can cause all other
   * rejections, so each code of those is logged at most once a minute.
   */
  onReject?: ((error: WebhookError, context: RejectContext<Request>) => unknown) | undefined;
}

/** A rejection, with the part of the body that was read. */
export interface Rejection {
  readonly error: WebhookError;
  readonly received: Received;
}

/** The result of a request: `undefined` if it was accepted. */
export type Outcome = Rejection | undefined;

/** Calls `onReject`, and throws its error. */
export type ReportReject<Request> = (outcome: Outcome, request: Request, headers: SignatureHeader) => Promise<void>;

/** Makes the function that reports rejections. */
export function rejectReporter<Request>(webhook: WebhookLike, options: RejectOptions<Request>): ReportReject<Request> {
  const onReject = callback("onReject", options.onReject, rejectLogger());
  return async (outcome, request, headers) => {
    if (outcome === undefined) return;
    const { error, received } = outcome;
    await onReject(error, { request, body: received.bytes, explain: () => explainRejection(webhook, outcome, headers) });
  };
}

async function explainRejection(webhook: WebhookLike, { error, received }: Rejection, headers: SignatureHeader): Promise<Explanation> {
  const { code, message } = error;
  // Without the whole body, only a missing or malformed header can be explained.
  if (received.isWhole || code === "missing_signature" || code === "malformed_signature") {
    // Imported by the package's name, so that each runtime and bundler finds the file that it can load.
    const { explain } = await import("walnut-webhooks/explain");
    return explain(webhook as Parameters<typeof explain>[0], received.bytes, headers);
  }
  const cause: ExplanationCause = code === "body_too_large" || code === "body_not_raw" ? code : "unknown";
  const [problem = message, ...fix] = message.split(/(?<=\.) /);
  return { ok: false, code, cause, problem, fix: fix.join(" "), difference: null };
}

const MINUTE_MS = 60_000;
const HOW_TO_EXPLAIN =
  " To find the cause, call explain() in onReject, or save the request to a file and run: npx walnut-webhooks explain --request FILE";

/** Makes the default log. Strangers can cause most rejections, so each code of those is logged at most once a minute. */
function rejectLogger(): (error: WebhookError) => void {
  /** By code: when its next line may be logged, and how many rejections were not logged since its last line. */
  const lines = new Map<string, { next: number; unlogged: number }>();
  return (error) => {
    const { code, message, status } = error;
    // If a body parser runs before this package, every request of a stranger fails with body_not_raw.
    if (status >= 500 && code !== "body_not_raw") return console.error(error);
    if (code === "stale" || code === "not_json") return console.warn(`walnut-webhooks: rejected a genuine event: ${code}. ${message}`);
    const now = performance.now();
    const line = lines.get(code);
    if (line !== undefined && now < line.next) return void line.unlogged++;
    lines.set(code, { next: now + MINUTE_MS, unlogged: 0 });
    const more = line?.unlogged ? `, and ${line.unlogged} more since the last such line` : "";
    console.warn(`walnut-webhooks: rejected a request${more}: ${code}. ${message}${status === 401 ? HOW_TO_EXPLAIN : ""}`);
  };
}
