// Sends requests directly from the browser, which shows a response only if the receiver allows this page to read it.
import { SIGNATURE_HEADER } from "../../pkg-templates/cli/sender/headers.js";
import { type Attempt, MOST_ANSWER_BYTES, WALNUT_TIMEOUT_MS } from "../../pkg-templates/cli/sender/judge.js";
import type { Item } from "../../pkg-templates/cli/sender/plan.js";

/** Sends one request. It never rejects. */
export async function postDirectly(url: string, { body, signature }: Item, signal: AbortSignal): Promise<Attempt> {
  const began = performance.now();
  const timeout = AbortSignal.timeout(WALNUT_TIMEOUT_MS);
  const done = (status: number | null, error: string | null, answer?: Response, bytes = new Uint8Array()): Attempt =>
    ({ status, error, ms: performance.now() - began, headers: [...(answer?.headers ?? [])], body: bytes });
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", [SIGNATURE_HEADER]: signature },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.any([signal, timeout]),
    });
    if (answer.type === "opaqueredirect") return done(null, "it is a redirect, whose status a browser hides");
    return done(answer.status, null, answer, await read(answer));
  } catch {
    if (signal.aborted) return done(null, "it was interrupted");
    if (timeout.aborted) return done(null, "the receiver did not answer completely within 30 s");
    return done(null, "the browser shows no response: the URL can’t be reached, or does not allow this page (CORS)");
  }
}

/** Reads the part of a response's body that the page shows. */
async function read(answer: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = answer.body?.getReader();
  while (reader !== undefined && length < MOST_ANSWER_BYTES) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  await reader?.cancel();
  return new Uint8Array(await new Blob(chunks).arrayBuffer()).subarray(0, MOST_ANSWER_BYTES);
}
