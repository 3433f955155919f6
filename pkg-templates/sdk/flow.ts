import { createDeliver, type DeliverOptions } from "./deliver.js";
import type { WebhookError } from "./error.js";
import { dispatcher, type OnDelivery, type UnhandledOptions } from "./handlers.js";
import { checkOptions, kind } from "./options.js";
import { createReceive, type Received, type ReceiveOptions, type Source, type WebhookLike } from "./receive.js";
import { type Outcome, type RejectOptions, rejectReporter, type ReportReject } from "./reject.js";

/** The options of every `handler`. */
export interface HandlerOptions<Request, Context = DeliveryContext<Request>>
  extends ReceiveOptions,
    DeliverOptions,
    RejectOptions<Request>,
    UnhandledOptions<Context> {}

/** The second argument of `onDelivery`. */
export interface DeliveryContext<Request> {
  /** The request, as the framework provides it. */
  readonly request: Request;
  /** Aborts at the handler's deadline. What the handler does after that has no effect on the response. */
  readonly signal: AbortSignal;
}

export const RECEIVE_OPTIONS = ["bodyTimeout", "onReject"];
export const HANDLER_OPTIONS = [...RECEIVE_OPTIONS, "handlerTimeout", "seen", "onUnhandled"];

/** An example of a call, in the messages about a wrong one. */
const CALL = { handler: "handler(webhook, onDelivery)", plugin: "plugin(webhook, onDelivery)", middleware: "middleware(webhook)" };

/** A function that an adapter exports. */
export type Entry = keyof typeof CALL;

/**
 * Checks the arguments of an entry that need no other check.
 *
 * @throws TypeError when an argument is missing, in the wrong place or misspelt.
 */
export function checkArguments(entry: Entry, webhook: unknown, options: unknown, known: readonly string[]): void {
  const { verify, precheck } = Object(webhook) as Partial<WebhookLike>;
  if (typeof verify !== "function" || typeof precheck !== "function") {
    if (isFrameworks(webhook)) throw misuse(`${entry} was given to the framework without being called. Write ${CALL[entry]}.`);
    throw new TypeError(
      `The first argument of ${entry} must be a Webhook, but is ${kind(webhook)}. Write ${CALL[entry]}, with webhook = new Webhook(key).`,
    );
  }
  checkOptions(entry, options, known, "{ bodyTimeout: 4000 }");
}

/** Makes an error for a mistake that shows at the first request. It has no stack, since frameworks may show that to the sender. */
export function misuse(message: string): TypeError {
  const error = new TypeError(message);
  error.stack = String(error);
  return error;
}

/** Makes the error for an adapter that another framework has called. */
export function wrongAdapter(adapter: string, expected: string, value: unknown): TypeError {
  return misuse(
    `walnut-webhooks/${adapter} expects ${expected}, but was called with ${kind(value)}. ` +
      "Import the entry of this framework: walnut-webhooks/express, /fastify, /hono, /node or /fetch.",
  );
}

/** Whether a value is a request, a context or an app, which a framework passes to the function that it calls. */
function isFrameworks(value: unknown): boolean {
  return typeof value === "object" && value !== null && ["headers", "req", "register"].some((name) => name in value);
}

/** Receives one request, and handles its delivery. */
export type Run<Context> = (source: Source, context: (signal: AbortSignal) => Context) => Promise<Outcome>;

/**
 * Makes the steps that every request takes in every adapter: receive it, handle its delivery, report a rejection.
 * An adapter only reads the request and writes the response.
 *
 * @param known - The names of the options.
 */
export function flow<Request, Context>(
  entry: Entry,
  webhook: WebhookLike,
  onDelivery: OnDelivery<Context>,
  options: HandlerOptions<Request, Context>,
  known: readonly string[],
): { run: Run<Context>; report: ReportReject<Request> } {
  checkArguments(entry, webhook, options, known);
  const receive = createReceive(webhook, options);
  const deliver = createDeliver(options);
  const handle = dispatcher(onDelivery, options, known);
  return {
    report: rejectReporter(webhook, options),
    run: (source, context) =>
      settle(async (received) => {
        const delivery = await receive(source, received);
        await deliver(delivery, async (signal) => checkResult(await handle(delivery, context(signal))));
      }),
  };
}

/** Rejects the `Response` of a handler that failed. Walnut gets the response of this package, not that one. */
function checkResult(result: unknown): void {
  if (Object.prototype.toString.call(result) !== "[object Response]") return;
  const { ok, status } = result as Response;
  if (!ok) throw new Error(`onDelivery returned a Response with the status ${status}`);
}

/** Runs `work`, and returns the rejection that it throws. It throws every other error. */
export async function settle(work: (received: Received) => Promise<void>): Promise<Outcome> {
  const received: Received = { bytes: new Uint8Array(), isWhole: false };
  try {
    await work(received);
    return undefined;
  } catch (error) {
    // By name, since it may be of another copy of this package; and no rejection is ever a success.
    const { name, status = 0 } = (error ?? {}) as Partial<WebhookError>;
    if (name === "WebhookError" && status >= 400) return { error: error as WebhookError, received };
    throw error;
  }
}

/** A response to Walnut, as JSON: 200 and no other success, else the error's status. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const JSON_TYPE = { "content-type": "application/json" };
const OK: Answer = { status: 200, headers: JSON_TYPE, text: JSON.stringify({ ok: true }) };

/** Makes the response. */
export function answer(outcome: Outcome): Answer {
  if (outcome === undefined) return OK;
  const { code, message, status } = outcome.error;
  const headers = status === 405 ? { ...JSON_TYPE, allow: "POST" } : JSON_TYPE;
  return { status, headers, text: JSON.stringify({ error: { code, message } }) };
}

