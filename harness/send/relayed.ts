// Requests through the relay of the command that serves this page, which may send anywhere.
import type { Attempt } from "../../pkg-templates/sender/judge.js";
import type { Item } from "../../pkg-templates/sender/plan.js";
import { base64, unbase64 } from "../page/bytes.js";

/** What the relay is asked for, as JSON, and what it answers: bodies are in base64. */
interface Relayed {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}
type RelayAnswer = Omit<Attempt, "body"> & { readonly body: string };

/** Sends one request. It never rejects. */
export async function postByRelay(token: string, url: string, { body, signature }: Item, signal: AbortSignal): Promise<Attempt> {
  const none = (error: string): Attempt => ({ status: null, error, ms: 0, headers: [], body: new Uint8Array() });
  const asked: Relayed = {
    url,
    headers: [["content-type", "application/json"], ["user-agent", "walnut-webhooks"], ["x-walnut-signature", signature]],
    body: base64(body),
  };
  try {
    const answer = await fetch("relay", {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(asked),
      signal,
    });
    if (answer.status === 401) return none("the relay does not know this page: open the link that the terminal shows");
    if (!answer.ok) return none(`the relay answered ${answer.status}`);
    const { body, ...attempt } = (await answer.json()) as RelayAnswer;
    return { ...attempt, body: unbase64(body) };
  } catch {
    return none(signal.aborted ? "it was interrupted" : "the relay can’t be reached: is the command still running?");
  }
}
