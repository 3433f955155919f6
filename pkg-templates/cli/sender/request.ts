// A request that was parsed, or will be written as raw HTTP.
import { SIGNATURE_HEADER } from "./headers.js";

/** An HTTP request. */
export interface HttpRequest {
  /** `null` if unknown, as with headers alone. */
  readonly method: string | null;
  /** A path or a whole URL, as written; `null` if unknown. */
  readonly url: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** A request that was parsed from text. */
export interface ParsedRequest extends HttpRequest {
  /** Assumptions that were made, a sentence each; usually empty. */
  readonly notes: readonly string[];
  /**
   * Why the text does not contain the body, as a sentence; absent if `body` is the whole body. Otherwise `body` is
   * empty, and the request can't be checked.
   */
  readonly bodyMissing?: string;
  /** Why the signature is not known, as a sentence; absent if the text says which signature the request has, or that it has none. */
  readonly signatureMissing?: string;
  /** The file that holds the whole body, if a curl command names one; then `bodyMissing` is set, too. */
  readonly bodyFile?: BodyFile;
  /** Whether the text has several requests, of which the user must choose one; then `bodyMissing` is set, too. */
  readonly isAmbiguous?: true;
}

/** A file that curl reads the body from. */
export interface BodyFile {
  /** As the command names it: relative to the folder in which curl runs. */
  readonly path: string;
  /** Whether curl removes the CR, LF and NUL bytes, as it does for `--data @FILE`. */
  readonly removesLineEnds: boolean;
}

/** Returns the body that curl sends, from the bytes of the file that the command names. */
export function bodyFromFile({ removesLineEnds }: BodyFile, bytes: Uint8Array): Uint8Array {
  return removesLineEnds ? bytes.filter((byte) => byte !== 0x0d && byte !== 0x0a && byte !== 0) : bytes;
}

/** Returns the value of a header, by its lowercase name. Repeated headers are joined by a comma (RFC 9110, section 5.3). */
export function header(request: Pick<HttpRequest, "headers">, name: string): string | undefined {
  const values = request.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/**
 * Whether a request whose text ends after its headers had a body. Walnut sends no empty body, so a request with a
 * signature had one, unless its `Content-Length` is 0.
 */
export function lacksBody(request: Pick<HttpRequest, "headers">): boolean {
  const length = Number(header(request, "content-length") ?? Number.NaN);
  return Number.isNaN(length) ? header(request, SIGNATURE_HEADER) !== undefined : length > 0;
}

/** Writes a request as raw HTTP. The bytes of the body follow the head unchanged. */
export function rawRequest({ method, url, headers, body }: HttpRequest): Uint8Array {
  const lines = [`${method ?? "POST"} ${url ?? "/"} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const head = Uint8Array.from([...lines, "", ""].join("\r\n"), (character) => character.charCodeAt(0));
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
