// The headers of a request that is saved or forwarded.
import type { HttpRequest } from "./sender/request.js";

const OF_ONE_HOP = /^(host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive|accept-encoding|proxy-.*)$/i;

/** Whether a header belongs to one connection, or is set by each sender. */
export function isOfOneHop(name: string): boolean {
  return OF_ONE_HOP.test(name);
}

/** The headers to forward, by name; a repeated header is a list. */
export function headersToForward(headers: HttpRequest["headers"]): Record<string, string | string[]> {
  // Without a prototype: its properties would become headers.
  const found: Record<string, string | string[]> = Object.create(null);
  for (const [given, value] of headers) {
    const name = given.toLowerCase();
    const before = found[name];
    if (!isOfOneHop(name)) found[name] = before === undefined ? value : [before, value].flat();
  }
  return found;
}
