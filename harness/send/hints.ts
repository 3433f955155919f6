// The likely cause of a response that rejects a genuine event.
import { errorBody } from "../../pkg-templates/cli/sender/error-body.js";
import type { Attempt } from "../../pkg-templates/cli/sender/judge.js";

/** Returns the likely causes and their fixes; `undefined` if the response does not show any. */
export function hint({ status, body }: Attempt, url: string): string | undefined {
  const error = errorBody(body);
  if (error?.isOwn && status !== null && status >= 400) return ownCause(error.code, error.message);
  switch (status) {
    case 401:
      return (
        "Likely cause: the receiver has another key than the one entered above, or its framework parses the body before the " +
        "signature is verified. Compare the keys first. If the response does not come from the receiver, a proxy in front of it requires a login."
      );
    case 403:
      return "Likely cause: a firewall, a login or a CSRF check in front of the receiver. Exempt this path from it.";
    case 404:
      return (
        `Likely cause: the receiver has no route for ${path(url)}. Check the path and the port of the URL, and whether the route is one for POST.`
      );
    case 405:
      return `Likely cause: the route for ${path(url)} accepts only other methods. Walnut sends POST.`;
    default:
      return undefined;
  }
}

/** Returns the cause that walnut-webhooks in the receiver found. */
function ownCause(code: string, message: string): string {
  // The receiver's message is about real events, which Walnut signs.
  if (code === "signature_mismatch") {
    return (
      "Likely cause: the receiver has another key than the one entered above, or something changed the body before it reached " +
      "the receiver’s handler. Compare the keys first."
    );
  }
  return `Cause: ${code}. ${message}`;
}

function path(url: string): string {
  return new URL(url).pathname;
}
