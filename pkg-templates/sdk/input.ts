import type { WebhookErrorCode } from "./contract.js";
import { WebhookError } from "./error.js";
import { kind } from "./options.js";
import { utf8 } from "./utf8.js";

/** A body as received: its bytes, or a string, which is encoded as UTF-8. */
export type RawBody = string | Uint8Array | ArrayBuffer;

/**
 * A signature, or the request's headers: a `Headers`, or an object such as Node's `headers` and `headersDistinct`, or AWS
 * Lambda's `multiValueHeaders`. A list must have exactly one value.
 */
export type SignatureHeader =
  | string
  | Uint8Array
  | readonly string[]
  | null
  | undefined
  | {
      /** Returns a header. Its name is passed in lowercase. */
      get(name: string): string | null | undefined;
    }
  | { readonly [name: string]: string | Uint8Array | readonly string[] | undefined };

const SIGNATURE_HEADER = "x-walnut-signature";

/** The limit on a body unless an option sets another, in bytes. */
export const DEFAULT_BODY_BYTES = 1 << 20;

/** The maximum length of a body, a chunk or a key, in bytes: every host can process so many at once. */
export const MOST_BYTES = 0x7fff_ffff;

/** How much of a header in bytes is read. A longer one is malformed in any case. */
const MAX_HEADER_BYTES = 4096;

const HOW_TO_GET_IT_RAW =
  "Use walnut-webhooks/express, /fastify, /hono, /node or /fetch; or pass the body before it is parsed: " +
  "await request.arrayBuffer(), or in AWS Lambda " +
  "Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').";

const bytesLength = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), "length")?.get;
const arrayBufferLength = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, "byteLength")?.get;

/** An error in an argument. `explain` shows its problem and its fix separately. */
export class InputError extends WebhookError {
  readonly #problem: string;
  readonly #fix: string;

  constructor(code: WebhookErrorCode, problem: string, fix: string, status: number) {
    super(code, `${problem} ${fix}`, status);
    this.#problem = problem;
    this.#fix = fix;
  }

  /** The first sentence of the message: the mistake. */
  get problem(): string {
    return this.#problem;
  }

  /** The rest of the message: how to correct it. */
  get fix(): string {
    return this.#fix;
  }
}

/** @param reason - A clause that says why the body is not raw. */
export function notRaw(reason: string, fix = HOW_TO_GET_IT_RAW): WebhookError {
  return new InputError("body_not_raw", `The raw body is needed, byte for byte as received, but ${reason}.`, fix, 500);
}

/** Caps a number of bytes, since the core has 32 bits for it. A number over the limit stays over it. */
export function size(length: number): number {
  return Math.min(length, MOST_BYTES + 1);
}

/** Returns the bytes of a body. It does not copy bytes. */
export function bytes(body: RawBody): Uint8Array {
  if (typeof body === "string") {
    if (!body.isWellFormed()) throw notRaw("this string has a lone surrogate: it was cut or decoded wrongly");
    return utf8().encoder.encode(body);
  }
  if (isBytes(body)) {
    // Reads the internal slot, since a subclass can override `length`.
    const length: number = bytesLength?.call(body);
    return length > 0 && length === body.length ? body : view(body.buffer, body.byteOffset, length);
  }
  if (isArrayBuffer(body)) return view(body);
  const what = kind(body);
  throw notRaw(`this is ${what}${what === "an object" ? ": something has parsed the body already" : ""}`);
}

function view(buffer: ArrayBufferLike, offset?: number, length?: number): Uint8Array {
  try {
    return new Uint8Array(buffer, offset, length);
  } catch {
    throw notRaw("its buffer was transferred");
  }
}

// Checks internal slots, so that values of another realm are accepted (Jest has separate realms).
export function isBytes(value: unknown): value is Uint8Array {
  return (
    ArrayBuffer.isView(value) &&
    (value as Partial<Uint8Array>)[Symbol.toStringTag] === "Uint8Array" &&
    isArrayBuffer(value.buffer)
  );
}

/** Whether a value can be a raw body. */
export function isRaw(value: unknown): value is RawBody {
  return typeof value === "string" || isBytes(value) || isArrayBuffer(value);
}

function isArrayBuffer(value: unknown): value is ArrayBuffer {
  try {
    return arrayBufferLength?.call(value) !== undefined;
  } catch {
    return false; // The getter throws for any other value.
  }
}

/** Finds the signature in the argument of a caller; `undefined` when there is none. */
export function signature(header: SignatureHeader): string | undefined {
  if (typeof header === "string") return header;
  if (header === undefined || header === null) return undefined;
  if (typeof (header as Headers).get === "function") {
    return onlyValue((header as Headers).get(SIGNATURE_HEADER) ?? undefined);
  }
  if (Array.isArray(header) || isBytes(header)) return onlyValue(header);
  let found: unknown;
  for (const name of Object.keys(header)) {
    if (name.length !== SIGNATURE_HEADER.length || name.toLowerCase() !== SIGNATURE_HEADER) continue;
    const value = (header as Record<string, unknown>)[name];
    if (value == null) continue;
    if (found !== undefined) return repeated();
    found = value;
  }
  if (found === undefined && typeof (header as { headers?: unknown }).headers === "object") {
    throw new TypeError("This is a request. Pass its headers: verify(rawBody, request.headers).");
  }
  return onlyValue(found);
}

/** Returns the only value of a header. Message queues and some servers provide it as bytes or as a list. */
function onlyValue(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  if (isBytes(value)) return String.fromCharCode(...value.subarray(0, MAX_HEADER_BYTES));
  return Array.isArray(value) && value.length === 1 && !Array.isArray(value[0]) ? onlyValue(value[0]) : repeated();
}

function repeated(): never {
  throw new InputError(
    "malformed_signature",
    "X-Walnut-Signature must be exactly 64 lowercase hex digits, but the request has several, or it is not text.",
    "Pass it on exactly as Walnut sends it.",
    401,
  );
}

/** Returns the headers by name, so that a signature under another name can be found. */
export function otherHeaders(header: SignatureHeader): object {
  if (typeof header !== "object" || header === null) return {};
  const { entries } = header as Partial<Headers>;
  return typeof entries === "function" ? Object.fromEntries(entries.call(header)) : header;
}
