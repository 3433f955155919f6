import type { Delivery } from "./delivery.js";
import { WebhookError } from "./error.js";
import type { RawBody, SignatureHeader } from "./input.js";

/** What an adapter needs of a `Webhook`. */
export interface Verifying {
  readonly maxBodyBytes: number;
  precheck(header: SignatureHeader, contentLength?: number): void;
  verify(rawBody: RawBody, header: SignatureHeader): Delivery;
}

/** An answer to Walnut: 200 and no other success, else the error's status. */
export interface Answer {
  readonly status: number;
  readonly body: { ok: true } | { error: { code: string; message: string } };
}

/** The one success that Walnut understands everywhere. */
export const OK: Answer = { status: 200, body: { ok: true } };

/** Makes the answer to an error. */
export function answer({ code, message, status }: WebhookError): Answer {
  return { status, body: { error: { code, message } } };
}

/** Hands a delivery on, and makes a `handler_failed` of whatever that throws: nothing of it is told. */
export async function handle<T>(handler: () => T): Promise<Awaited<T>> {
  try {
    return await handler();
  } catch (cause) {
    const message = "the delivery could not be handled: send it again";
    throw new WebhookError("handler_failed", message, 500, { cause });
  }
}

/** Recognises an error of this package, of another copy of it too; any other goes on its way. */
export function refused(error: unknown): WebhookError {
  if ((error as Error | undefined)?.name === "WebhookError") return error as WebhookError;
  throw error;
}

/** Reads a body piece by piece, and stops with the first one that goes over the limit. */
export async function read(
  webhook: Verifying,
  header: SignatureHeader,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    webhook.precheck(header, length);
    read.push(piece);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const piece of read) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
