// The likely cause of a response that rejects a genuine event.

/** Returns the likely causes, and what to do about them; `undefined` if the status does not tell. */
export function hint(status: number | null, url: string): string | undefined {
  switch (status) {
    case 401:
      return (
        "Likely cause: the receiver has another key than the one entered above, or its framework parses the body before the " +
        "signature is verified. Compare the keys first. If the response does not come from the receiver, a proxy in front of it wants a login."
      );
    case 403:
      return "Likely cause: a firewall, a login or a CSRF check in front of the receiver. Exempt this path from it.";
    case 404:
      return (
        `Likely cause: the receiver has no route for ${path(url)}. Check the path and the port of the URL, and whether the route is one for POST.`
      );
    case 405:
      return `Likely cause: the route for ${path(url)} takes other methods only. Walnut sends POST.`;
    default:
      return undefined;
  }
}

function path(url: string): string {
  return new URL(url).pathname;
}
