import { Deadline } from "./deadline.js";
import type { Delivery } from "./delivery.js";
import { WebhookError } from "./error.js";
import type { SeenStore } from "./seen.js";
import { kind, LONGEST_TIMER, whole } from "./options.js";

export interface DeliverOptions {
  /**
   * How long the handling of a delivery may take, in milliseconds, 1 to 2147478647. The default is 25000, because
   * Walnut waits 30 seconds for the response.
   */
  handlerTimeout?: number | undefined;
  /** Remembers handled deliveries, so that none is handled twice. Off by default. */
  seen?: SeenStore | undefined;
}

const DEFAULT_HANDLER_TIMEOUT = 25_000;
/** A lease ends after the handler's deadline, so that no two handlers hold one. */
const LEASE_MARGIN = 5000;
/** Short, because Walnut waits for it, and a lease that can't be released ends by itself. */
const RELEASE_TIMEOUT = 500;

/** Makes the function that runs the handler of a delivery: within the time limit, and not twice if there is a store. */
export function createDeliver(options: DeliverOptions) {
  const timeout = whole("handlerTimeout", options.handlerTimeout, DEFAULT_HANDLER_TIMEOUT, 1, LONGEST_TIMER - LEASE_MARGIN);
  const { seen: store } = options;
  checkStore(store);
  return async (delivery: Delivery, handle: (signal: AbortSignal) => unknown): Promise<void> => {
    const { id } = delivery;
    // A test event is handled each time.
    const seen = delivery.isTest ? undefined : store;
    const deadline = new Deadline(timeout, () => handlerTimeoutError(timeout));
    try {
      if (seen !== undefined && !(await begin(seen, id, timeout + LEASE_MARGIN, deadline))) return;
      try {
        await runHandler(handle, deadline);
      } catch (failure) {
        if (seen !== undefined) await release(seen, id, failure);
        throw failure;
      }
      if (seen !== undefined) await callStore("done", () => deadline.race(seen.done(id)));
    } finally {
      deadline.clear();
    }
  };
}

const METHODS = ["begin", "done", "release"] as const;

function checkStore(seen: SeenStore | undefined): void {
  if (seen === undefined || METHODS.every((method) => typeof Object(seen)[method] === "function")) return;
  throw new TypeError(`seen must have the methods ${METHODS.join(", ")}, as a MemoryStore has, but is ${kind(seen)}.`);
}

/** Runs the handler, and throws `handler_failed` if it throws. The message contains no part of the handler's error. */
async function runHandler(handle: (signal: AbortSignal) => unknown, deadline: Deadline): Promise<void> {
  const { signal } = deadline;
  const work = (async () => handle(signal))();
  try {
    await deadline.race(work);
  } catch (cause) {
    if (signal.aborted) {
      work.catch((error) => logLateError(error, signal));
      throw signal.reason;
    }
    const message = "The handler threw an error. Send the delivery again.";
    throw new WebhookError("handler_failed", message, 500, { cause });
  }
}

/** Logs the error of a handler after its deadline, unless the cause is the signal's own reason. */
function logLateError(error: unknown, { reason }: AbortSignal): void {
  if (error !== reason && (error as Error | undefined)?.cause !== reason) console.error(error);
}

/** Begins the delivery, and returns whether it is new. Throws `delivery_busy` if it is being handled at this moment. */
async function begin(seen: SeenStore, id: string, leaseMs: number, deadline: Deadline): Promise<boolean> {
  const state = await callStore("begin", async () => {
    const answer: unknown = await deadline.race(seen.begin(id, leaseMs));
    if (answer === "new" || answer === "busy" || answer === "done") return answer;
    throw new TypeError(`begin() must return "new", "busy" or "done", but returned ${String(answer)}`);
  });
  if (state !== "busy") return state === "new";
  const message = "This delivery is being handled at this moment. Send it again to learn the outcome.";
  throw new WebhookError("delivery_busy", message, 503);
}

async function release(seen: SeenStore, id: string, failure: unknown): Promise<void> {
  const deadline = new Deadline(RELEASE_TIMEOUT, () => new Error(`release() took over ${RELEASE_TIMEOUT} ms`));
  try {
    await callStore("release", () => deadline.race(seen.release(id)), failure);
  } finally {
    deadline.clear();
  }
}

/** Calls the store, and throws `store_failed` if it throws. The message contains no part of the store's error. */
async function callStore<T>(method: keyof SeenStore, run: () => Promise<T>, handlerError?: unknown): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const message = `The seen store failed in ${method}(). Send the delivery again.`;
    const both = "both the handler and the store failed";
    const cause = handlerError === undefined ? error : new AggregateError([handlerError, error], both);
    throw new WebhookError("store_failed", message, 503, { cause });
  }
}

function handlerTimeoutError(ms: number): WebhookError {
  const message = `The delivery was not handled within ${ms} ms, the limit of handlerTimeout. Send it again.`;
  return new WebhookError("handler_timeout", message, 503);
}
