// Announcements for screen readers: one at a time, after the typing has stopped.
import { element, setText } from "./dom.js";

const QUIET_MS = 600;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Announces a text. A later text replaces it if it has not been announced yet. */
export function announce(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => setText(element("announcer", HTMLElement), text), QUIET_MS);
}
