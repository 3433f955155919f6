// A request that was parsed, or will be written as raw HTTP.

/** A parsed request. */
export interface HttpRequest {
  /** `null` if unknown, as with headers alone. */
  readonly method: string | null;
  /** A path or a whole URL, as written; `null` if unknown. */
  readonly url: string | null;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** Assumptions that were made and parts that are missing, a sentence each; usually empty. */
  readonly notes: readonly string[];
}

/** Returns the value of a header, by its lowercase name. Repeated headers are joined by a comma (RFC 9110, section 5.3). */
export function header(request: Pick<HttpRequest, "headers">, name: string): string | undefined {
  const values = request.headers.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** Writes a request as raw HTTP. The bytes of the body follow the head unchanged. */
export function rawRequest({ method, url, headers, body }: Omit<HttpRequest, "notes">): Uint8Array {
  const lines = [`${method ?? "POST"} ${url ?? "/"} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  const head = Uint8Array.from([...lines, "", ""].join("\r\n"), (character) => character.charCodeAt(0));
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
