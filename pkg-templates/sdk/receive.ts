import { Deadline } from "./deadline.js";
import type { Delivery } from "./delivery.js";
import { WebhookError } from "./error.js";
import { bytes, notRaw, type RawBody, type SignatureHeader } from "./input.js";
import { LONGEST_TIMER, whole } from "./options.js";

/** The part of a `Webhook` that the adapters use. */
export interface WebhookLike {
  readonly maxBodyBytes: number;
  precheck(header: SignatureHeader, contentLength?: number): void;
  verify(rawBody: RawBody, header: SignatureHeader): Delivery;
}

/** A request, as an adapter presents it. */
export interface Source {
  readonly headers: SignatureHeader;
  /** Checks the request's head, if no router has done it. */
  check?(): void;
  /**
   * Returns the body: its bytes or its text if other code has read and kept it.
   *
   * @throws WebhookError `body_not_raw` when other code has read the body and kept neither.
   */
  body(): RawBody | Unread | PromiseLike<RawBody>;
  /** Keeps the whole body for later handlers of the request. */
  keep?(bytes: Uint8Array): void;
}

/** A body that nothing has read yet. */
export interface Unread {
  /** `Content-Length`, if it was sent. */
  readonly declared: string | null | undefined;
  /** Passes each chunk to `add`, until the body ends, `add` throws or `signal` aborts. */
  read(add: (chunk: Uint8Array) => void, signal: AbortSignal): Promise<void>;
}

/** The part of a body that was read. */
export interface Received {
  bytes: Uint8Array;
  isWhole: boolean;
}

export interface ReceiveOptions {
  /** How long the whole body may take to arrive, in milliseconds, 1 to 2147483647. The default is 4000. */
  bodyTimeout?: number | undefined;
}

const DEFAULT_BODY_TIMEOUT = 4000;

/**
 * Makes the function that turns a request into a delivery. It rejects a request by its head if it can, before it reads
 * the body.
 */
export function createReceive(
  webhook: WebhookLike,
  options: ReceiveOptions,
): (source: Source, received: Received) => Promise<Delivery> {
  const timeout = whole("bodyTimeout", options.bodyTimeout, DEFAULT_BODY_TIMEOUT, 1, LONGEST_TIMER);
  return async (source, received) => {
    source.check?.();
    const body = source.body();
    if (isUnread(body)) await read(webhook, source.headers, body, timeout, received);
    else received.bytes = bytes(await body);
    received.isWhole = true;
    source.keep?.(received.bytes);
    return webhook.verify(received.bytes, source.headers);
  };
}

function isUnread(body: ReturnType<Source["body"]>): body is Unread {
  return typeof body === "object" && "read" in body;
}

async function read(
  webhook: WebhookLike,
  headers: SignatureHeader,
  body: Unread,
  timeout: number,
  received: Received,
): Promise<void> {
  const { declared } = body;
  webhook.precheck(headers, contentLength(declared));
  let buffer = new Uint8Array();
  let length = 0;
  // Copies each chunk at once: a chunk may be a single byte, and a list of such chunks needs hundreds of times their memory.
  const add = (chunk: Uint8Array) => {
    if (!ArrayBuffer.isView(chunk)) throw notRaw("its stream was set to produce text or objects");
    const end = length + chunk.length;
    if (end > webhook.maxBodyBytes) webhook.precheck(headers, end);
    if (end > buffer.length) {
      const larger = new Uint8Array(Math.max(end, Math.min(2 * buffer.length, webhook.maxBodyBytes)));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    buffer.set(chunk, length);
    length = end;
  };
  const deadline = new Deadline(timeout, () => bodyTimeoutError(timeout, length));
  try {
    await deadline.race(body.read(add, deadline.signal));
  } finally {
    deadline.clear();
    received.bytes = buffer.subarray(0, length);
  }
}

/** Parses a declared length. It is ignored if it is not a number, because the bytes of the body are counted too. */
function contentLength(declared: string | null | undefined): number | undefined {
  const length = Number(declared ?? NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

function bodyTimeoutError(ms: number, length: number): WebhookError {
  const message =
    `The body did not arrive within ${ms} ms, the limit of bodyTimeout: ${length} bytes were received. ` +
    "Send it again, or raise bodyTimeout if Walnut is slow.";
  return new WebhookError("body_timeout", message, 408);
}
