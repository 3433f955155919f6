import { Deadline } from "./deadline.js";
import type { Delivery } from "./delivery.js";
import { WebhookError } from "./error.js";
import { notRaw, type RawBody, type SignatureHeader } from "./input.js";
import { LONGEST_TIMER, whole } from "./whole.js";

/** What an adapter needs of a `Webhook`. */
export interface WebhookLike {
  readonly maxBodyBytes: number;
  precheck(header: SignatureHeader, contentLength?: number): void;
  verify(rawBody: RawBody, header: SignatureHeader): Delivery;
}

/** A request, as an adapter presents it. */
export interface Source {
  readonly headers: SignatureHeader;
  /**
   * Gets the body, as far as it is there.
   *
   * @throws WebhookError `body_not_raw` when something has read it and kept no bytes.
   */
  body(): Uint8Array | Unread;
}

/** A body that nobody has read yet. */
export interface Unread {
  /** `Content-Length`, where it was sent. */
  readonly declared: string | null | undefined;
  /** Gives each piece to `take`, until the end, or until that throws or `signal` aborts. */
  read(take: (piece: Uint8Array) => void, signal: AbortSignal): Promise<void>;
}

export interface ReceiveOptions {
  /** How long the whole body may take to arrive, in milliseconds, 1 to 2147483647. The default is 4000. */
  bodyTimeout?: number;
}

const DEFAULT_BODY_TIMEOUT = 4000;

/** Makes what turns a request into a delivery: it refuses by the head where it can, before it reads. */
export function createReceive(webhook: WebhookLike, options: ReceiveOptions): (source: Source) => Promise<Delivery> {
  const timeout = whole("bodyTimeout", options.bodyTimeout ?? DEFAULT_BODY_TIMEOUT, 1, LONGEST_TIMER);
  return async (source) => {
    const body = source.body();
    const bytes = "read" in body ? await read(webhook, source.headers, body, timeout) : body;
    return webhook.verify(bytes, source.headers);
  };
}

async function read(
  webhook: WebhookLike,
  headers: SignatureHeader,
  body: Unread,
  timeout: number,
): Promise<Uint8Array> {
  const { declared } = body;
  webhook.precheck(headers, declared === null || declared === undefined ? undefined : Number(declared));
  let bytes = new Uint8Array();
  let length = 0;
  // Copied at once: a piece may be a single byte, and a list of such takes hundreds of times their memory.
  const take = (piece: Uint8Array) => {
    if (!ArrayBuffer.isView(piece)) throw notRaw("its stream was set to give text or objects");
    const end = length + piece.length;
    if (end > webhook.maxBodyBytes) webhook.precheck(headers, end);
    if (end > bytes.length) {
      const larger = new Uint8Array(Math.max(end, Math.min(2 * bytes.length, webhook.maxBodyBytes)));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(piece, length);
    length = end;
  };
  const deadline = new Deadline(timeout, () => bodyTimeoutError(timeout, length));
  try {
    await deadline.race(body.read(take, deadline.signal));
  } finally {
    deadline.clear();
  }
  return bytes.subarray(0, length);
}

function bodyTimeoutError(ms: number, length: number): WebhookError {
  const message =
    `The body did not arrive within ${ms} ms, the limit of bodyTimeout: ${length} bytes were received. ` +
    "Send it again, or raise bodyTimeout if Walnut is slow.";
  return new WebhookError("body_timeout", message, 408);
}
