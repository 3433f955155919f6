import { createDeliver, type DeliverOptions } from "./deliver.js";
import type { Delivery } from "./delivery.js";
import type { WebhookError } from "./error.js";
import { createReceive, type ReceiveOptions, type Source, type WebhookLike } from "./receive.js";

export interface RejectOptions<Request> {
  /**
   * Is told of every request that was refused, once it is answered, or just before where the answer is a
   * `Response`. By default, what is no stranger's doing is logged: errors with a status of 500 and above,
   * with their cause, except that a delivery is being handled already.
   */
  onReject?: (error: WebhookError, request: Request) => unknown;
}

/** The options of every `handler`. */
export interface HandlerOptions<Request> extends ReceiveOptions, DeliverOptions, RejectOptions<Request> {}

/** What `onDelivery` is handed besides the delivery. */
export interface DeliveryContext<Request> {
  /** The request, as the framework gives it. */
  readonly request: Request;
  /** Aborts when the handler's deadline has passed: what it gives after that is not waited for. */
  readonly signal: AbortSignal;
}

/** What a request comes to: `undefined` where it was handled, or why it was refused. */
export type Outcome = WebhookError | undefined;

/**
 * Makes what every request goes through, in every adapter: receive, then hand on. An adapter says only how
 * to get at the head and the bytes, and how to answer.
 */
export function flow<Context>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: Context) => unknown,
  options: ReceiveOptions & DeliverOptions,
): (source: Source, context: (signal: AbortSignal) => Context) => Promise<Outcome> {
  const receive = createReceive(webhook, options);
  const deliver = createDeliver(options);
  return (source, context) =>
    settle(async () => {
      const delivery = await receive(source);
      await deliver(delivery, (signal) => onDelivery(delivery, context(signal)));
    });
}

/** Gets at the error that `work` is refused with; what else goes wrong goes on its way. */
export async function settle(work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return undefined;
  } catch (error) {
    // By name, since it may be of another copy of this package; and no refusal is ever a success.
    const { name, status = 0 } = (error ?? {}) as Partial<WebhookError>;
    if (name === "WebhookError" && status >= 400) return error as WebhookError;
    throw error;
  }
}

/** An answer to Walnut, as JSON: 200 and no other success, else the error's status. */
export interface Answer {
  readonly status: number;
  readonly type: "application/json";
  readonly text: string;
}

const OK: Answer = { status: 200, type: "application/json", text: JSON.stringify({ ok: true }) };

/** Makes the answer to what a request has come to. */
export function answer(outcome: (Pick<WebhookError, "status" | "message"> & { readonly code: string }) | undefined): Answer {
  if (outcome === undefined) return OK;
  const { code, message, status } = outcome;
  return { status, type: "application/json", text: JSON.stringify({ error: { code, message } }) };
}

/** Makes what tells `onReject` of a refusal, and throws what that throws. */
export function rejectReporter<Request>({ onReject = log }: RejectOptions<Request>) {
  return async (outcome: Outcome, request: Request): Promise<void> => {
    if (outcome !== undefined) await onReject(outcome, request);
  };
}

function log(error: WebhookError): void {
  if (error.status >= 500 && error.code !== "delivery_busy") console.error(error);
}
