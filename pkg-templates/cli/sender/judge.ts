// How Walnut takes an answer. Source: its help page on webhooks, "Receive webhooks" and "Endpoint errors".

/** The statuses that Walnut takes for success. */
export const ACCEPTED = [200, 201];

/** How long Walnut waits for an answer, in milliseconds. */
export const WALNUT_TIMEOUT_MS = 30_000;

/** How often Walnut sends again what was not delivered. */
export const WALNUT_RETRIES = 3;

/** How long we wait before the first of them, in milliseconds: Walnut does not say how long it does. */
export const WALNUT_BACKOFF_MS = 1000;

/** One request, and what came of it. */
export interface Attempt {
  /** The status of the answer; `null` where there was none. */
  readonly status: number | null;
  /** Why there was no answer, in words; `null` where there was one. */
  readonly error: string | null;
  /** From the first byte sent to the last one received, in milliseconds. */
  readonly ms: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The answer's body, up to {@link MOST_ANSWER_BYTES} of it. */
  readonly body: Uint8Array;
}

/** An attempt that came to nothing, and took no time. */
export function unanswered(error: string): Attempt {
  return { status: null, error, ms: 0, headers: [], body: new Uint8Array() };
}

/** How much of an answer is read: what is longer is cut there. */
export const MOST_ANSWER_BYTES = 1 << 20;

export interface Judgement {
  /** Whether Walnut takes the event for delivered. */
  readonly accepted: boolean;
  /** Why, in words. */
  readonly why: string;
}

/** Says how Walnut takes an answer. */
export function judge({ status, error, ms }: Attempt): Judgement {
  if (status === null) return { accepted: false, why: `${error}: Walnut sends it again` };
  if (ms >= WALNUT_TIMEOUT_MS) return { accepted: false, why: "it took 30 s or more: Walnut sends it again" };
  if (ACCEPTED.includes(status)) return { accepted: true, why: "Walnut takes it for delivered" };
  if (status > 201 && status < 300) return { accepted: false, why: "a success, but Walnut takes only 200 and 201, and sends it again" };
  if (status >= 300 && status < 400) return { accepted: false, why: "a redirect, which Walnut takes for a failure: it sends it again" };
  return { accepted: false, why: "Walnut takes it for a failure, and sends it again" };
}
