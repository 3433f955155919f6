/**
 * Explains why the signature of a request fails.
 *
 * @module
 */
import { module } from "./explain-module.js";
import { type Explanation, explainer } from "./explainer.js";
import type { Webhook } from "./index.js";
import type { RawBody, SignatureHeader } from "./input.js";
import { type Key, takeKeyReader } from "./keys.js";

export type { ExplanationCause } from "./contract.js";
export type { Difference, Explanation } from "./explainer.js";

const run = explainer(module, takeKeyReader());

/**
 * Explains why a request is rejected, by undoing common mistakes until its signature matches.
 *
 * Use it to look for a mistake, not for every request: it calculates some hundreds of signatures for each key, and
 * examines only bodies of at most 64 KiB. It accepts nothing that `webhook.verifySignature` rejects. Its result contains
 * no key and no calculated signature, but `difference` may contain some bytes of the body: log it, and do not put it
 * into the response.
 *
 * @param key - The `Webhook`, or its key or keys.
 * @param rawBody - The body, byte for byte as received.
 * @param header - The request's headers, or the signature alone. Only with the headers can it find a signature under
 *   another name, or a compressed body.
 * @throws TypeError when the `Webhook` comes from another copy of this package: pass the key instead.
 *
 * @example
 * const { cause, problem, fix } = explain(webhook, rawBody, request.headers);
 * console.error(`${cause}: ${problem} ${fix}`);
 */
export function explain(key: Webhook | Key, rawBody: RawBody, header: SignatureHeader): Explanation {
  return run(key, rawBody, header);
}
