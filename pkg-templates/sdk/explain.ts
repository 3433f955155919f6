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
 * Explains why a request is rejected, by undoing common mistakes until its signature is right.
 *
 * It is for a person who looks for a mistake, not for the path of requests: it calculates some hundreds of
 * signatures for each key, and examines bodies of at most 64 KiB. It accepts nothing that `webhook.verifySignature` rejects.
 * Its result contains no key and no calculated signature, but `difference` may contain some bytes of the body: it
 * belongs in your log, not in the response.
 *
 * @param key - The `Webhook`, or the key or keys to make one of.
 * @param rawBody - The body, byte for byte as received.
 * @param header - The request's headers, so that a signature under another name and a compressed body are found; or the
 *   signature alone.
 * @throws TypeError when the `Webhook` comes from another copy of this package: pass the key instead.
 *
 * @example
 * const { cause, problem, fix } = explain(webhook, rawBody, request.headers);
 * console.error(`${cause}: ${problem} ${fix}`);
 */
export function explain(key: Webhook | Key, rawBody: RawBody, header: SignatureHeader): Explanation {
  return run(key, rawBody, header);
}
