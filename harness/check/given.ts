// What is to be checked: a body and its signature, each in a field, or a whole request in one.
import { SIGNATURE_HEADER } from "../../pkg-templates/cli/sender/headers.js";
import { parseRequest } from "../../pkg-templates/cli/sender/parse.js";
import { header, type ParsedRequest } from "../../pkg-templates/cli/sender/request.js";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { size, utf8 } from "../page/bytes.js";
import { announce } from "../page/announce.js";
import { choose, complain, element, make, say, terms } from "../page/dom.js";
import { fileButton, onDrop, readFile } from "../page/file.js";
import { showView } from "../page/tabs.js";

export interface Given {
  readonly body: Uint8Array;
  /** The signature, or a request's headers; `undefined` where the field is empty. */
  readonly header: string | Record<string, string> | undefined;
  /** What stands in the header, wherever it comes from. */
  readonly signature: string | undefined;
  readonly isRequest: boolean;
}

const text = element("body", HTMLTextAreaElement);
const signature = element("signature", HTMLInputElement);
const fileNote = element("file-note", HTMLElement);

/** The bytes of an opened file, until the text is edited: a text field can't hold every byte. */
let opened: Uint8Array | undefined;
let tell = () => {};

/** Makes the fields work; `changed` is called after each change. */
export function startGiven(changed: () => void): void {
  tell = changed;
  text.addEventListener("input", () => {
    opened = undefined;
    complain(text, fileNote, "");
    choose("taken", "auto");
    tell();
  });
  signature.addEventListener("input", tell);
  for (const button of document.querySelectorAll('input[name="taken"]')) button.addEventListener("change", tell);
  fileButton(element("open-file", HTMLButtonElement), open);
  onDrop(text, (file) => {
    showView("check");
    open(file);
  });
}

/** Puts a body, or a whole request, in. */
export function give(body: string, its: string): void {
  opened = undefined;
  text.value = body;
  signature.value = its;
  choose("taken", "auto");
  complain(text, fileNote, "");
  tell();
}

async function open(file: File): Promise<void> {
  const bytes = await readFile(file, (bytes) => parseRequest(bytes)?.body);
  if (typeof bytes === "string") {
    complain(text, fileNote, bytes);
    announce(bytes);
    return;
  }
  text.value = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  opened = bytes;
  choose("taken", "auto");
  complain(text, fileNote, "");
  say(fileNote, `${visible(file.name)}: its ${size(bytes.length)} are used exactly as they are, until the text above is edited.`);
  tell();
}

/** Reads the fields, and shows what they are taken for. */
export function given(): Given {
  const bytes = opened ?? utf8(text.value);
  const found = parseRequest(bytes);
  const isBody = element("taken-body", HTMLInputElement).checked;
  const request = isBody ? undefined : found;
  element("taken", HTMLElement).hidden = found === undefined;
  element("request", HTMLElement).hidden = request === undefined;
  element("signature-field", HTMLElement).hidden = request !== undefined;
  const body = request?.body ?? bytes;
  say(element("body-size", HTMLElement), size(bytes.length));
  if (request === undefined) return { body, header: signature.value || undefined, signature: signature.value || undefined, isRequest: false };
  const its = header(request, SIGNATURE_HEADER);
  showRequest(request, its);
  // By their names as they stand there, since explain names them.
  const headers = Object.fromEntries(request.headers.map(([name]) => [name, header(request, name.toLowerCase()) ?? ""]));
  return { body, header: headers, signature: its, isRequest: true };
}

function showRequest(request: ParsedRequest, its: string | undefined): void {
  const { method, url, headers, body, notes } = request;
  const target = [method ?? "", url ?? ""].filter((part) => part !== "").join(" ");
  terms(element("request-facts", HTMLDListElement), [
    ["Request", target === "" ? "not said" : make("code", {}, visible(target))],
    ["Headers", String(headers.length)],
    ["Signature", its === undefined ? "no X-Walnut-Signature" : make("code", {}, visible(its))],
    ["Body", size(body.length)],
  ]);
  element("request-notes", HTMLUListElement).replaceChildren(...notes.map((note) => make("li", {}, visible(note))));
}
