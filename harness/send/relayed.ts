// Sends requests through the relay of the command that serves this page. The relay may send to any URL.
import { type Attempt, unanswered } from "../../pkg-templates/cli/sender/judge.js";
import { deliveryHeaders } from "../../pkg-templates/cli/sender/headers.js";
import type { Item } from "../../pkg-templates/cli/sender/plan.js";
import type { RelayError, RelayRequest, RelayResponse } from "../../pkg-templates/cli/sender/relay.js";
import { base64, fromBase64 } from "../page/bytes.js";

/** Sends one request. It never rejects. */
export async function postByRelay(token: string, url: string, { body, signature }: Item, signal: AbortSignal): Promise<Attempt> {
  const message: RelayRequest = { url, headers: Object.entries(deliveryHeaders(signature)), body: base64(body) };
  try {
    const answer = await fetch("relay", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(message),
      signal,
    });
    if (answer.status === 401) return unanswered("the relay does not know this page: open the link that the terminal shows");
    if (!answer.ok) return unanswered(`the relay rejected the request: ${((await answer.json()) as RelayError).error.message}`);
    const { body, ...attempt } = (await answer.json()) as RelayResponse;
    return { ...attempt, body: fromBase64(body) };
  } catch {
    return unanswered(signal.aborted ? "it was interrupted" : "the relay can’t be reached: is the command still running?");
  }
}
