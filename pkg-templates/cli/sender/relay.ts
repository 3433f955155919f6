// The messages between the page and its relay, which sends requests to URLs that do not allow browsers.
import type { Attempt } from "./judge.js";

/** The request to send, as JSON. */
export interface RelayRequest {
  /** http or https, without a user name. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** In base64: 1 MiB at most. */
  readonly body: string;
}

/** The result: an attempt with its body in base64. */
export type RelayResponse = Omit<Attempt, "body"> & { readonly body: string };

/** The reason why the relay rejected the message itself. */
export interface RelayError {
  readonly error: { readonly code: string; readonly message: string };
}
