import type { Delivery } from "./delivery.js";
import { call, type Compile, type Core, instance, start } from "./engine.js";
import { WebhookError } from "./error.js";
import { results } from "./host.js";
import { bytes, DEFAULT_BODY_BYTES, MOST_BYTES, type RawBody, type SignatureHeader, signature, size } from "./input.js";
import { type Key, offerKeyReader, readKeys } from "./keys.js";
import { hashes } from "./native.js";
import { callback, checkOptions, flag, kind, whole } from "./options.js";

/** The options of a `Webhook`. */
export interface WebhookOptions {
  /** The limit on a body's length, in bytes. The default is 1 MiB. */
  maxBodyBytes?: number | undefined;
  /**
   * The maximum age of an event, by its signed timestamp, in milliseconds. Off by default. The shortest safe value is
   * 72 hours (259200000): retries may arrive up to 48 hours late.
   */
  maxAge?: number | undefined;
  /**
   * Whether to reject an event without a readable timestamp, as `stale`. By default, `maxAge` does not apply to
   * such an event.
   */
  requireTimestamp?: boolean | undefined;
  /** How far an event's timestamp may be in the future if `maxAge` is set, in milliseconds. The default is 5 minutes. */
  skew?: number | undefined;
  /** The clock, in milliseconds since the Unix epoch. The default is `Date.now`. */
  now?: (() => number) | undefined;
}

const OPTIONS = ["maxBodyBytes", "maxAge", "requireTimestamp", "skew", "now"];

const DEFAULT_SKEW_MS = 5 * 60 * 1000;

/** A handle of the core, and the number of the instance that it belongs to. */
interface Handle {
  readonly handle: number;
  readonly instance: number;
}

/** Closes a handle when the object that owns it is garbage-collected. */
function registry(close: (core: Core, handle: number) => number): FinalizationRegistry<Handle> | undefined {
  if (typeof FinalizationRegistry === "undefined") return undefined;
  return new FinalizationRegistry((owned) => {
    if (owned.instance === instance()) call((core) => close(core, owned.handle));
  });
}

const verifiers = registry((core, handle) => core.closeVerifier(handle));
const streams = registry((core, handle) => core.closeStream(handle));

/** The base class of `Webhook` in each entry: an entry only decides how the core is loaded. */
export class Verifier {
  static {
    offerKeyReader((webhook) => (#keys in webhook ? webhook.#keys : undefined));
  }

  readonly #maxBodyBytes: number;
  readonly #keys: readonly Uint8Array[];
  readonly #age: { readonly max: number; readonly skew: number; readonly isRequired: boolean; readonly now: () => number };
  #owned: Handle | undefined;

  constructor(module: Compile, key: Key, options: WebhookOptions = {}) {
    checkOptions("Webhook", options, OPTIONS, "{ maxAge: 259200000 }");
    this.#maxBodyBytes = whole("maxBodyBytes", options.maxBodyBytes, DEFAULT_BODY_BYTES, 0, MOST_BYTES);
    this.#age = {
      max: whole("maxAge", options.maxAge, Infinity, 0, Number.MAX_SAFE_INTEGER),
      skew: whole("skew", options.skew, DEFAULT_SKEW_MS, 0, Number.MAX_SAFE_INTEGER),
      isRequired: flag("requireTimestamp", options.requireTimestamp),
      now: callback("now", options.now, Date.now),
    };
    this.#keys = readKeys(key);
    start(module);
    this.#handle();
  }

  /** The limit on a body's length, in bytes. */
  get maxBodyBytes(): number {
    return this.#maxBodyBytes;
  }

  /**
   * Verifies a body and parses it.
   *
   * @param rawBody - The body, byte for byte as received.
   * @param header - The value of `X-Walnut-Signature`, or the request's headers.
   * @throws WebhookError with the first of these codes that applies: `body_not_raw`, `missing_signature`,
   *   `malformed_signature`, `body_too_large`, `signature_mismatch`, `not_json`, `stale`.
   */
  verify(rawBody: RawBody, header: SignatureHeader): Delivery {
    const body = bytes(rawBody);
    const value = signature(header);
    const text = typeof rawBody === "string" ? rawBody : undefined;
    const { max, skew, isRequired, now } = this.#age;
    const time = max === Infinity ? 0 : now();
    if (!Number.isFinite(time)) throw new TypeError(`now must return milliseconds, but returned ${kind(time)}.`);
    const handle = this.#handle();
    const hashed = hashes(body.length);
    call((core) => core.deliver(handle, size(body.length), hashed, time, max, skew, isRequired), body, value, text);
    const { delivery } = results;
    results.delivery = undefined;
    return delivery as Delivery;
  }

  /**
   * Verifies a body without parsing it.
   *
   * @throws WebhookError as {@link Verifier.verify}, but never `not_json` or `stale`.
   */
  verifySignature(rawBody: RawBody, header: SignatureHeader): { keyIndex: number } {
    const body = bytes(rawBody);
    const value = signature(header);
    const handle = this.#handle();
    const hashed = hashes(body.length);
    return { keyIndex: call((core) => core.verify(handle, size(body.length), hashed), body, value) };
  }

  /**
   * Checks the signature header and the declared length of a request before its body is read.
   *
   * @param contentLength - The body's length in bytes, if it is declared.
   * @throws WebhookError `missing_signature`, `malformed_signature` or `body_too_large`.
   * @throws TypeError or RangeError when `contentLength` is not a whole number from 0.
   */
  precheck(header: SignatureHeader, contentLength?: number): void {
    const value = signature(header);
    const known = contentLength !== undefined;
    const length = size(whole("contentLength", contentLength, 0, 0, Number.MAX_SAFE_INTEGER));
    const handle = this.#handle();
    call((core) => core.precheck(handle, known, length), undefined, value);
  }

  /** Starts to verify a body that arrives in chunks. It keeps no part of the body. */
  stream(): WebhookStream {
    const handle = this.#handle();
    return new Stream(call((core) => core.openStream(handle)));
  }

  /**
   * Signs a body with the current key, as Walnut does: 64 lowercase hex digits.
   *
   * @throws WebhookError `body_not_raw`, or `body_too_large` for a body of 2 GiB or more.
   */
  sign(rawBody: RawBody): string {
    const body = bytes(rawBody);
    if (body.length > MOST_BYTES) {
      throw new WebhookError("body_too_large", `A body over ${MOST_BYTES} bytes can't be signed.`, 413);
    }
    const handle = this.#handle();
    call((core) => core.sign(handle, body.length), body);
    return results.text as string;
  }

  #addKeys(): void {
    for (const key of this.#keys) call((core) => core.addKey(key.length), key);
  }

  /** Returns the core's handle of this verifier. It is opened once in each instance of the core. */
  #handle(): number {
    if (this.#owned?.instance !== instance()) {
      this.#addKeys();
      const handle = call((core) => core.openVerifier(this.#maxBodyBytes));
      this.#owned = { handle, instance: instance() };
      verifiers?.unregister(this);
      verifiers?.register(this, this.#owned, this);
    }
    return this.#owned.handle;
  }
}

/** Verifies a body in chunks. `webhook.stream()` returns one. */
export interface WebhookStream {
  /**
   * Adds the next chunk of the body.
   *
   * @throws WebhookError `body_too_large` once the chunks exceed the limit: stop reading then; `body_not_raw`.
   * @throws Error when the stream is finished, or was lost because the core restarted after a trap: begin another.
   */
  update(chunk: RawBody): void;
  /**
   * Ends the body. The stream can't be used afterwards.
   *
   * @throws WebhookError as `webhook.verifySignature`.
   * @throws Error as `update`.
   */
  finish(header: SignatureHeader): { keyIndex: number };
}

class Stream implements WebhookStream {
  #owned: Handle | undefined;

  constructor(handle: number) {
    this.#owned = { handle, instance: instance() };
    streams?.register(this, this.#owned, this);
  }

  update(chunk: RawBody): void {
    const piece = bytes(chunk);
    const handle = this.#handle();
    call((core) => core.updateStream(handle, size(piece.length)), piece);
  }

  finish(header: SignatureHeader): { keyIndex: number } {
    let value: string | undefined;
    let malformed: unknown;
    try {
      value = signature(header);
    } catch (error) {
      malformed = error;
    }
    // A malformed header ends the stream too.
    const handle = this.#handle();
    this.#owned = undefined;
    streams?.unregister(this);
    if (malformed !== undefined) {
      call((core) => core.closeStream(handle));
      throw malformed;
    }
    return { keyIndex: call((core) => core.finishStream(handle), undefined, value) };
  }

  #handle(): number {
    if (this.#owned === undefined) throw new Error("This stream is finished. Begin another with webhook.stream().");
    if (this.#owned.instance !== instance()) {
      throw new Error("This stream was lost in a restart of WebAssembly. Begin another with webhook.stream().");
    }
    return this.#owned.handle;
  }
}
