// Chooses the request to check from a file that has several.
import { SIGNATURE_HEADER } from "./headers.js";
import { header, type ParsedRequest } from "./request.js";

/**
 * Chooses the only request, or the only one with a signature. If several are left, the result is ambiguous and has no
 * body, and its `bodyMissing` says why.
 *
 * @returns `undefined` for an empty list.
 */
export function chooseRequest(requests: readonly ParsedRequest[]): ParsedRequest | undefined {
  const signed = requests.filter((request) => header(request, SIGNATURE_HEADER) !== undefined);
  const [first, second] = signed.length > 0 ? signed : requests;
  if (second === undefined) return first;
  const which = signed.length === 0 ? "none of them with X-Walnut-Signature" : `${signed.length} of them with X-Walnut-Signature`;
  const bodyMissing = `The file has ${requests.length} requests, ${which}: keep only the one to check.`;
  return { method: null, url: null, headers: [], body: new Uint8Array(), notes: [], bodyMissing, isAmbiguous: true };
}
