// What a screen reader is told: one thing at a time, and only once the typing has stopped.
import { element, say } from "./dom.js";

const QUIET_MS = 600;

let timer: ReturnType<typeof setTimeout> | undefined;

/** Tells of a change. What is told of in the meantime takes its place. */
export function announce(text: string): void {
  clearTimeout(timer);
  timer = setTimeout(() => say(element("announcer", HTMLElement), text), QUIET_MS);
}
