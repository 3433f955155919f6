// Files, opened by a button or dropped anywhere on the page.
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { size } from "./bytes.js";
import { make } from "./dom.js";

/** The limit on a body, which is the default of the package. */
const MOST_BODY_BYTES = 1 << 20;

/** The limit on the head in the file of a whole request. */
const MOST_HEAD_BYTES = 64 << 10;

/** Reads a file, or returns the mistake as a text. `bodyOf` finds the body in the file of a whole request. */
export async function readFile(file: File, bodyOf: (bytes: Uint8Array) => Uint8Array | undefined): Promise<Uint8Array | string> {
  const name = visible(file.name);
  const tooLarge = (length: number) => `${name} is too large: ${size(length)}, but a body may have ${size(MOST_BODY_BYTES)} at most. Nothing was changed.`;
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
    // A new input each time, so that the same file can be opened again after a change.
    const input = make("input", { type: "file" });
    input.addEventListener("change", () => input.files?.[0] && open(input.files[0]));
    input.click();
  });
}

/** Opens files that are dropped anywhere on the page. By default, a browser replaces the page by a file dropped beside a field. */
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
