// The part of the URL after `#`, which browsers never send: the relay's token, and the view.

function parts(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}

/** Returns the token of the relay that serves this page; `null` without a relay. */
export function token(): string | null {
  return parts().get("token");
}

export function requestedView(): string | null {
  return parts().get("view");
}

/** Stores the view in the URL, so that a reload shows it again. */
export function storeView(view: string): void {
  const next = parts();
  next.set("view", view);
  history.replaceState(null, "", `#${next}`);
}
