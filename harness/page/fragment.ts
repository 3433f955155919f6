// What stands behind the `#`, which no browser sends to anybody: the relay's token, and the view.

function parts(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}

/** The token of the relay that serves this page, or `null` where there is none. */
export function token(): string | null {
  return parts().get("token");
}

export function viewAsked(): string | null {
  return parts().get("view");
}

/** Notes the view, so that a reload shows it again. */
export function noteView(view: string): void {
  const next = parts();
  next.set("view", view);
  history.replaceState(null, "", `#${next}`);
}
