// What `fetch` handlers and Hono have in common: a `Request` comes, and a `Response` goes.
import { Deadline } from "./deadline.js";
import type { Delivery } from "./delivery.js";
import { answer, flow, type HandlerOptions, type Outcome, rejectReporter } from "./flow.js";
import { notRaw } from "./input.js";
import type { Source, Unread, WebhookLike } from "./receive.js";

/** Milliseconds: whoever waits for the answer may be a stranger with many connections. */
const REPORT_TIMEOUT = 1000;

/**
 * Makes what turns a request into its answer.
 *
 * @param fix - Says how to keep the bytes in this framework.
 */
export function web<R extends Request, Context>(
  webhook: WebhookLike,
  onDelivery: (delivery: Delivery, context: Context) => unknown,
  options: HandlerOptions<R>,
  fix: string,
): (request: R, context: (signal: AbortSignal) => Context) => Promise<Response> {
  const run = flow(webhook, onDelivery, options);
  const reportReject = rejectReporter(options);
  return async (request, context) => {
    const source = new WebSource(request, fix);
    const outcome = await run(source, context);
    // Before the answer goes, since Workers end with it; but the answer stays as it is, and does not wait long.
    const deadline = new Deadline(REPORT_TIMEOUT, () => new Error(`onReject took over ${REPORT_TIMEOUT} ms`));
    await deadline.race(reportReject(outcome, request)).catch((error) => console.error(error));
    deadline.clear();
    return response(outcome, source.unfinished);
  };
}

class WebSource implements Source, Unread {
  readonly headers: Headers;
  readonly declared: string | null;
  /** Whether some of the body may still be on its way. */
  unfinished = true;

  constructor(
    readonly request: Request,
    readonly fix: string,
  ) {
    this.headers = request.headers;
    this.declared = request.headers.get("content-length");
  }

  body(): Unread {
    if (!this.request.bodyUsed && this.request.body?.locked !== true) return this;
    this.unfinished = false;
    throw notRaw("something has read the request before walnut-webhooks could", this.fix);
  }

  async read(take: (piece: Uint8Array) => void, signal: AbortSignal): Promise<void> {
    const reader = this.request.body?.getReader();
    if (reader !== undefined) {
      // Let go of, and not cancelled: SvelteKit's Node server would destroy the connection, with the answer unsent.
      const stop = () => reader.releaseLock();
      signal.addEventListener("abort", stop);
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
      } finally {
        stop();
      }
    }
    this.unfinished = signal.aborted;
  }
}

function response(outcome: Outcome, close: boolean): Response {
  const { status, type, text } = answer(outcome);
  const headers = { "content-type": type, ...(close ? { connection: "close" } : {}) };
  return new Response(text, { status, headers });
}
