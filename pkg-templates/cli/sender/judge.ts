// How Walnut judges a response. Source: its help page on webhooks, "Receive webhooks" and "Endpoint errors".

/** The statuses that Walnut accepts. */
export const ACCEPTED = [200, 201];

/** How long Walnut waits for a response, in milliseconds. */
export const WALNUT_TIMEOUT_MS = 30_000;

/** How often Walnut retries. */
export const WALNUT_RETRIES = 3;

/** How long to wait before the first retry, in milliseconds. Walnut's own wait is not documented. */
export const WALNUT_BACKOFF_MS = 1000;

/** The result of sending a request once. */
export interface Attempt {
  /** The status of the response; `null` if there was none. */
  readonly status: number | null;
  /** The reason for a missing response, in words; `null` with a response. */
  readonly error: string | null;
  /** From the first byte sent to the last one received, in milliseconds. */
  readonly ms: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The first {@link MOST_ANSWER_BYTES} of the response body. */
  readonly body: Uint8Array;
}

/** An attempt without a response, which took no time. */
export function unanswered(error: string): Attempt {
  return { status: null, error, ms: 0, headers: [], body: new Uint8Array() };
}

/** How many bytes of a response body are kept: the rest is dropped. */
export const MOST_ANSWER_BYTES = 1 << 20;

export interface Judgement {
  /** Whether Walnut counts the event as delivered. */
  readonly accepted: boolean;
  /** Why, in words. */
  readonly why: string;
}

/** Judges a response as Walnut does. */
export function judge({ status, error, ms }: Attempt): Judgement {
  if (status === null) return { accepted: false, why: `${error}: Walnut sends it again` };
  if (ms >= WALNUT_TIMEOUT_MS) return { accepted: false, why: "it took 30 s or more: Walnut sends it again" };
  if (ACCEPTED.includes(status)) return { accepted: true, why: "Walnut counts it as delivered" };
  if (status > 201 && status < 300) return { accepted: false, why: "a success, but Walnut accepts only 200 and 201, and sends it again" };
  if (status >= 300 && status < 400) return { accepted: false, why: "a redirect, which Walnut counts as a failure: it sends it again" };
  return { accepted: false, why: "Walnut counts it as a failure, and sends it again" };
}
