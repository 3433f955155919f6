// Shows a value with wrong parts.
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { make } from "./dom.js";

/** A part of a value. */
export interface Segment {
  readonly text: string;
  readonly isWrong: boolean;
}

/** Shows a value with its wrong parts marked and its invisible characters visible. */
export function segments(parts: readonly Segment[]): HTMLElement {
  return make("code", { class: "value" }, ...parts.filter(({ text }) => text !== "").map(({ text, isWrong }) =>
    isWrong ? make("mark", {}, withVisibleBlanks(text)) : withVisibleBlanks(text)));
}

/** Makes every character of a text visible, including blanks. */
export function withVisibleBlanks(text: string): string {
  return visible(text).replaceAll(" ", "␣");
}
