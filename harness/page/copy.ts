import { announce } from "./announce.js";
import { say } from "./dom.js";

const SHOWN_MS = 1500;

/** Puts a text on the clipboard, and says so on the button. */
export async function copy(button: HTMLButtonElement, text: string, what: string): Promise<void> {
  const label = button.dataset["label"] ?? (button.dataset["label"] = button.textContent ?? "");
  try {
    await navigator.clipboard.writeText(text);
    say(button, "Copied");
    announce(`Copied: ${what}.`);
  } catch {
    // Browsers offer no clipboard without HTTPS, and the user can deny access to it.
    say(button, "Not copied");
    announce("The browser does not let this page copy: select the text and copy it yourself.");
  }
  setTimeout(() => say(button, label), SHOWN_MS);
}
