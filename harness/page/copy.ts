import { announce } from "./announce.js";
import { setText } from "./dom.js";

const SHOWN_MS = 1500;

/** Copies a text to the clipboard, and shows the result on the button. */
export async function copy(button: HTMLButtonElement, text: string, name: string): Promise<void> {
  const label = button.dataset["label"] ?? (button.dataset["label"] = button.textContent ?? "");
  try {
    await navigator.clipboard.writeText(text);
    setText(button, "Copied");
    announce(`Copied: ${name}.`);
  } catch {
    // Browsers offer no clipboard without HTTPS, and the user can deny access to it.
    setText(button, "Not copied");
    announce("The browser does not let this page copy: select the text and copy it yourself.");
  }
  setTimeout(() => setText(button, label), SHOWN_MS);
}
