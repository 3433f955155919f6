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

/** Makes the answer to an error; of one that is not ours nothing is told. */
export function answer(error: unknown): Answer {
  const { code, message, status } = refused(error);
  return { status, body: { error: { code, message } } };
}

/** Recognises an error of this package by its code, and wraps any other. */
export function refused(error: unknown): WebhookError {
  const { code, status } = (error ?? {}) as Partial<WebhookError>;
  if (typeof code === "string" && typeof status === "number") return error as WebhookError;
  return new WebhookError("handler_failed", "the delivery could not be handled: send it again", 500, {
    cause: error,
  });
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
