// The headers of a request that is kept, or sent on.
import type { HttpRequest } from "./sender/request.js";

const OF_ONE_HOP = /^(host|connection|content-length|transfer-encoding|expect|upgrade|te|trailer|keep-alive|accept-encoding|proxy-.*)$/i;

/** Whether a header concerns one connection, or is made anew by who sends. */
export function isOfOneHop(name: string): boolean {
  return OF_ONE_HOP.test(name);
}

/** The headers of a request that go along when it is sent on, by name; of several by a name, a list. */
export function onward(headers: HttpRequest["headers"]): Record<string, string | string[]> {
  // Without a prototype, whose members would be taken for headers.
  const found: Record<string, string | string[]> = Object.create(null);
  for (const [given, value] of headers) {
    const name = given.toLowerCase();
    const before = found[name];
    if (!isOfOneHop(name)) found[name] = before === undefined ? value : [before, value].flat();
  }
  return found;
}
