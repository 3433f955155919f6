// The messages between the page and the command that serves it, which sends to URLs that do not allow browsers.
import type { Attempt } from "./judge.js";

/** The request to send, as JSON. */
export interface RelayQuestion {
  /** http or https, without a user name. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In base64: 1 MiB at most. */
  readonly body: string;
}

/** The result: an attempt with its body in base64. */
export type RelayAnswer = Omit<Attempt, "body"> & { readonly body: string };

/** Why the relay rejected the message itself. */
export interface RelayRefusal {
  readonly error: { readonly code: string; readonly message: string };
}
