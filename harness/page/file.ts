// Files, opened by a button or dropped anywhere on the page.
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { size } from "./bytes.js";
import { make } from "./dom.js";

/** The most that a body may have: what the package takes unless told otherwise. */
const MOST_BODY_BYTES = 1 << 20;

/** The most that may stand before the body, in the file of a whole request. */
const MOST_HEAD_BYTES = 64 << 10;

/** Reads a file, or says in words why not. `bodyOf` finds the body in the file of a whole request. */
export async function readFile(file: File, bodyOf: (bytes: Uint8Array) => Uint8Array | undefined): Promise<Uint8Array | string> {
  const name = visible(file.name);
  const tooLarge = (what: number) => `${name} is too large: ${size(what)}, but a body may have ${size(MOST_BODY_BYTES)} at most. Nothing was changed.`;
  if (file.size > MOST_BODY_BYTES + MOST_HEAD_BYTES) return tooLarge(file.size);
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    return `${name} can’t be read: choose it again, or another. Nothing was changed.`;
  }
  const body = bodyOf(bytes) ?? bytes;
  return body.length > MOST_BODY_BYTES ? tooLarge(body.length) : bytes;
}

/** Makes a button that opens a file. */
export function fileButton(button: HTMLButtonElement, open: (file: File) => void): void {
  button.addEventListener("click", () => {
    // Anew each time, so that the same file, changed since, can be opened again.
    const input = make("input", { type: "file" });
    input.addEventListener("change", () => input.files?.[0] && open(input.files[0]));
    input.click();
  });
}

/** Takes files that are dropped: on the whole page, since one that missed the field would replace the page. */
export function onDrop(target: HTMLElement, open: (file: File) => void): void {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    target.classList.add("target");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) target.classList.remove("target");
  });
  document.addEventListener("drop", (event) => {
    target.classList.remove("target");
    const file = event.dataTransfer?.files[0];
    if (file === undefined) return;
    event.preventDefault();
    open(file);
  });
}
