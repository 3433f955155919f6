// The function from a `Request` to a `Response`, which the adapters for fetch and Hono share.
import { Deadline } from "./deadline.js";
import { answer, flow, type HandlerOptions, wrongAdapter } from "./flow.js";
import type { OnDelivery } from "./handlers.js";
import { notRaw, type RawBody } from "./input.js";
import type { Source, Unread, WebhookLike } from "./receive.js";
import type { Outcome } from "./reject.js";

/** How long a response waits for `onReject`, in milliseconds. Its client may be a stranger with many connections. */
const REPORT_TIMEOUT = 1000;

/** How an adapter differs from the others. */
interface Adapter {
  readonly name: "fetch" | "hono";
  /** How to keep the raw body in this framework. */
  readonly fix: string;
  /** The names of the options. */
  readonly known: readonly string[];
  /** Checks the request's head, if no router has done it. */
  check?(request: Request): void;
}

/**
 * Makes the function that answers requests.
 *
 * `kept` returns the body, if the framework has read it and kept its bytes.
 */
export function web<R extends Request, Context>(
  webhook: WebhookLike,
  onDelivery: OnDelivery<Context>,
  options: HandlerOptions<R, Context>,
  { name, fix, known, check }: Adapter,
): (request: R, context: (signal: AbortSignal) => Context, kept?: () => Promise<RawBody>) => Promise<Response> {
  const { run, report } = flow("handler", webhook, onDelivery, options, known);
  const respond = async (request: R, context: (signal: AbortSignal) => Context, kept?: () => Promise<RawBody>) => {
    const source = new WebSource(request, fix, kept, check);
    let outcome: Outcome;
    try {
      outcome = await run(source, context);
    } catch (error) {
      // The client has hung up.
      if (request.signal?.aborted) return new Response(null, { status: 400 });
      throw error;
    }
    // Reports before the response is returned, since a Worker may end after that. The report can't change the response.
    const deadline = new Deadline(REPORT_TIMEOUT, () => new Error(`onReject took over ${REPORT_TIMEOUT} ms`));
    await deadline.race(report(outcome, request, request.headers)).catch((error) => console.error(error));
    deadline.clear();
    return response(outcome, source.isUnfinished);
  };
  return (request, context, kept) => {
    // Thrown here and not in a promise, since Express 4 does not handle a rejected promise.
    if (typeof request?.headers?.get !== "function") throw wrongAdapter(name, "a Request", request);
    return respond(request, context, kept);
  };
}

class WebSource implements Source, Unread {
  readonly headers: Headers;
  readonly declared: string | null;
  /** Whether some of the body may still arrive. */
  isUnfinished = true;

  constructor(
    readonly request: Request,
    readonly fix: string,
    readonly kept: (() => Promise<RawBody>) | undefined,
    readonly checkHead: ((request: Request) => void) | undefined,
  ) {
    this.headers = request.headers;
    this.declared = request.headers.get("content-length");
  }

  check(): void {
    this.checkHead?.(this.request);
  }

  body(): Unread | Promise<RawBody> {
    if (!this.request.bodyUsed && this.request.body?.locked !== true) return this;
    this.isUnfinished = false;
    if (this.kept !== undefined) return this.kept();
    throw notRaw("something has read the request before walnut-webhooks could", this.fix);
  }

  async read(add: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void> {
    const reader = this.request.body?.getReader();
    if (reader !== undefined) {
      // Released and not cancelled, since SvelteKit's Node server would destroy the connection before the response is sent.
      const stop = () => reader.releaseLock();
      signal.addEventListener("abort", stop);
      try {
        for (let next = await reader.read(); !next.done; next = await reader.read()) add(next.value);
      } finally {
        stop();
      }
    }
    this.isUnfinished = signal.aborted;
  }
}

function response(outcome: Outcome, mustClose: boolean): Response {
  const { status, headers, text } = answer(outcome);
  // A copy, since @hono/node-server writes to the object.
  return new Response(text, { status, headers: { ...headers, ...(mustClose && { connection: "close" }) } });
}
