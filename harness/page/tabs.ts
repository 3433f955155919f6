// The three views, as tabs. Source: the tabs pattern of the ARIA Authoring Practices Guide.
import { element } from "./dom.js";
import { requestedView, storeView } from "./fragment.js";

const VIEWS = ["check", "compose", "send"] as const;
export type View = (typeof VIEWS)[number];

const tab = (view: View) => element(`tab-${view}`, HTMLButtonElement);

/** Shows a view, and hides the others. */
export function showView(view: View): void {
  for (const other of VIEWS) {
    const isShown = other === view;
    element(other, HTMLElement).hidden = !isShown;
    tab(other).setAttribute("aria-selected", String(isShown));
    tab(other).tabIndex = isShown ? 0 : -1;
  }
  document.title = `${tab(view).textContent} – walnut-webhooks harness`;
  if (requestedView() !== view) storeView(view);
}

/** Makes the tabs work with mouse, keyboard and fragment. */
export function startTabs(): void {
  for (const view of VIEWS) tab(view).addEventListener("click", () => showView(view));
  element("tabs", HTMLElement).addEventListener("keydown", (event) => {
    const at = VIEWS.findIndex((view) => tab(view) === document.activeElement);
    const last = VIEWS.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    const view = to === undefined ? undefined : VIEWS[to];
    if (view === undefined) return;
    event.preventDefault();
    showView(view);
    tab(view).focus();
  });
  const route = () => showView(VIEWS.find((view) => view === requestedView()) ?? "check");
  addEventListener("hashchange", route);
  route();
}
