// What the page and the command that serves it say to each other, so that it can send where a browser may not.
import type { Attempt } from "./judge.js";

/** What the relay is asked to send, as JSON. */
export interface RelayQuestion {
  /** http or https, without a user name. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In base64: 1 MiB at most. */
  readonly body: string;
}

/** What came of it: an attempt, whose body is in base64. */
export type RelayAnswer = Omit<Attempt, "body"> & { readonly body: string };

/** What is wrong with the question itself. */
export interface RelayRefusal {
  readonly error: { readonly code: string; readonly message: string };
}
