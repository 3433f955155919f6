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
  /** Aborts at the handler's deadline. After that, the handler can't change the response. */
  readonly signal: AbortSignal;
}

export const RECEIVE_OPTIONS = ["bodyTimeout", "onReject"];
export const HANDLER_OPTIONS = [...RECEIVE_OPTIONS, "handlerTimeout", "seen", "onUnhandled"];

/** The correct calls, for messages about a wrong one. */
const CALL = { handler: "handler(webhook, onDelivery)", plugin: "plugin(webhook, onDelivery)", middleware: "middleware(webhook)" };

/** A function that an adapter exports. */
export type Entry = keyof typeof CALL;

/**
 * Checks the webhook and the names of the options. The functions that use the other arguments check those.
 *
 * @throws TypeError when an argument is missing, in the wrong place or misspelt.
 */
export function checkArguments(entry: Entry, webhook: unknown, options: unknown, known: readonly string[]): void {
  const { verify, precheck } = Object(webhook) as Partial<WebhookLike>;
  if (typeof verify !== "function" || typeof precheck !== "function") {
    if (isFrameworkArgument(webhook)) throw misuse(`${entry} was given to the framework without being called. Write ${CALL[entry]}.`);
    throw new TypeError(
      `The first argument of ${entry} must be a Webhook, but is ${kind(webhook)}. Write ${CALL[entry]}, with webhook = new Webhook(key).`,
    );
  }
  checkOptions(entry, options, known, "{ bodyTimeout: 4000 }");
}

/** Makes an error for a mistake that appears at the first request. It has no stack, because frameworks may send it in the response. */
export function misuse(message: string): TypeError {
  const error = new TypeError(message);
  error.stack = String(error);
  return error;
}

/** Makes the error for an adapter that was called by another framework than its own. */
export function wrongAdapter(adapter: string, expected: string, value: unknown): TypeError {
  return misuse(
    `walnut-webhooks/${adapter} expects ${expected}, but was called with ${kind(value)}. ` +
      "Import the entry of this framework: walnut-webhooks/express, /fastify, /hono, /node or /fetch.",
  );
}

/** Whether a value is a request, a context or an app: a framework passes one of these to each function that it calls. */
function isFrameworkArgument(value: unknown): boolean {
  return typeof value === "object" && value !== null && ["headers", "req", "register"].some((name) => name in value);
}

/** Receives one request, and handles its delivery. */
export type Run<Context> = (source: Source, context: (signal: AbortSignal) => Context) => Promise<Outcome>;

/**
 * Makes the functions that every adapter calls for each request: `run` receives the request and handles its delivery,
 * `report` reports a rejection. An adapter only reads the request and writes the response.
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

/** Throws if a handler returned a `Response` of a failure. Walnut gets the response of this package, never the handler's. */
function checkResult(result: unknown): void {
  if (Object.prototype.toString.call(result) !== "[object Response]") return;
  const { ok, status } = result as Response;
  if (!ok) throw new Error(`onDelivery returned a Response with the status ${status}`);
}

/** Runs `work`, and returns the rejection if it throws one. Throws every other error. */
export async function settle(work: (received: Received) => Promise<void>): Promise<Outcome> {
  const received: Received = { bytes: new Uint8Array(), isWhole: false };
  try {
    await work(received);
    return undefined;
  } catch (error) {
    // By name, since the error may come from another copy of this package. The status of a rejection is never a success.
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


export function answer(outcome: Outcome): Answer {
  if (outcome === undefined) return OK;
  const { code, message, status } = outcome.error;
  const headers = status === 405 ? { ...JSON_TYPE, allow: "POST" } : JSON_TYPE;
  return { status, headers, text: JSON.stringify({ error: { code, message } }) };
}

