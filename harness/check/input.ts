// The input of Check: a body and its signature, each in its field, or a whole request in one field.
import { SIGNATURE_HEADER } from "../../pkg-templates/cli/sender/headers.js";
import { parseRequest } from "../../pkg-templates/cli/sender/parse.js";
import { type BodyFile, bodyFromFile, header, type ParsedRequest } from "../../pkg-templates/cli/sender/request.js";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { size, utf8 } from "../page/bytes.js";
import { announce } from "../page/announce.js";
import { choose, showMistake, element, make, setText, terms } from "../page/dom.js";
import { fileButton, onDrop, readFile } from "../page/file.js";
import { showView } from "../page/tabs.js";

export interface Input {
  readonly body: Uint8Array;
  /** The reason why the body or the signature is unknown, and the fix, as sentences. */
  readonly missing: string | undefined;
  /** The signature, or the headers of a request; `undefined` if the field is empty. */
  readonly header: string | Record<string, string> | undefined;
  /** The signature from the field or the request. */
  readonly signature: string | undefined;
  readonly isRequest: boolean;
}

/** A file that was chosen as the body of a curl command. */
interface Attached {
  /** The path in the command. Another path needs another file. */
  readonly path: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

const text = element("body", HTMLTextAreaElement);
const signature = element("signature", HTMLInputElement);
const fileNote = element("file-note", HTMLElement);
const bodyFileNote = element("body-file-note", HTMLElement);

/** The bytes of an opened file, until the text is edited: a text field can't hold every byte. */
let opened: Uint8Array | undefined;
let attached: Attached | undefined;
/** The file that the curl command in the field reads its body from. */
let wanted: BodyFile | undefined;
let notify = () => {};

/** Makes the fields work; `changed` is called after each change. */
export function startInput(changed: () => void): void {
  notify = changed;
  text.addEventListener("input", () => {
    opened = undefined;
    showMistake(text, fileNote, "");
    choose("read-as", "auto");
    notify();
  });
  signature.addEventListener("input", notify);
  for (const button of document.querySelectorAll('input[name="read-as"]')) button.addEventListener("change", notify);
  fileButton(element("open-file", HTMLButtonElement), open);
  fileButton(element("open-body-file", HTMLButtonElement), attach);
  onDrop(text, (file) => {
    showView("check");
    void (wanted === undefined ? open(file) : attach(file));
  });
}

/** Fills in a body, or a whole request, and its signature. */
export function fillIn(body: string, signatureText: string): void {
  opened = undefined;
  text.value = body;
  signature.value = signatureText;
  choose("read-as", "auto");
  showMistake(text, fileNote, "");
  notify();
}

async function open(file: File): Promise<void> {
  const bytes = await readFile(file, (bytes) => parseRequest(bytes)?.body);
  if (typeof bytes === "string") {
    showMistake(text, fileNote, bytes);
    announce(bytes);
    return;
  }
  text.value = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  opened = bytes;
  choose("read-as", "auto");
  showMistake(text, fileNote, "");
  setText(fileNote, `${visible(file.name)}: its ${size(bytes.length)} are used unchanged, until the text above is edited.`);
  notify();
}

/** Uses a file as the body of the curl command. */
async function attach(file: File): Promise<void> {
  if (wanted === undefined) return;
  const { path } = wanted;
  const bytes = await readFile(file, (bytes) => bytes);
  if (typeof bytes === "string") {
    setText(bodyFileNote, bytes);
    announce(bytes);
    return;
  }
  attached = { path, name: file.name, bytes };
  notify();
}

/** Reads the fields, and shows how the page understands them. */
export function readInput(): Input {
  const bytes = opened ?? utf8(text.value);
  const found = parseRequest(bytes);
  const request = element("read-as-body", HTMLInputElement).checked ? undefined : found;
  element("read-as", HTMLElement).hidden = found === undefined;
  element("request", HTMLElement).hidden = request === undefined;
  element("signature-field", HTMLElement).hidden = request !== undefined;
  setText(element("body-size", HTMLElement), size(bytes.length));
  wanted = request?.bodyFile;
  const fromFile = bodyOfFile();
  if (request === undefined) {
    const value = signature.value || undefined;
    return { body: bytes, missing: undefined, header: value, signature: value, isRequest: false };
  }
  const body = fromFile ?? request.body;
  const bodyMissing = fromFile === undefined ? missingBody(request) : undefined;
  const missing = bodyMissing ?? request.signatureMissing;
  const value = header(request, SIGNATURE_HEADER);
  showRequest(request, value, bodyMissing === undefined ? size(body.length) : "not known");
  // The names keep their spelling, because `explain` repeats them.
  const headers = Object.fromEntries(request.headers.map(([name]) => [name, header(request, name.toLowerCase()) ?? ""]));
  return { body, missing, header: headers, signature: value, isRequest: true };
}

/** Returns the body from the file that the curl command names, once it was chosen, and shows the name of the file. */
function bodyOfFile(): Uint8Array | undefined {
  const part = element("body-file", HTMLElement);
  part.hidden = wanted === undefined;
  element("any-file", HTMLElement).hidden = wanted !== undefined;
  if (wanted === undefined) return undefined;
  const file = attached?.path === wanted.path ? attached : undefined;
  setText(element("open-body-file", HTMLButtonElement), file === undefined ? `Choose ${visible(wanted.path)}…` : "Choose another file…");
  if (file === undefined) {
    setText(bodyFileNote, "");
    return undefined;
  }
  const body = bodyFromFile(wanted, file.bytes);
  const removed = file.bytes.length - body.length;
  const note = removed === 0 ? "" : ` curl’s --data removes line ends, here ${size(removed)}.`;
  setText(bodyFileNote, `${visible(file.name)} is the body.${note}`);
  return body;
}

function missingBody({ bodyMissing, bodyFile }: ParsedRequest): string | undefined {
  return bodyFile === undefined ? bodyMissing : `${bodyMissing} Choose this file, or drop it on this page.`;
}

function showRequest({ method, url, headers, notes, signatureMissing }: ParsedRequest, value: string | undefined, body: string): void {
  const target = [method ?? "", url ?? ""].filter((part) => part !== "").join(" ");
  terms(element("request-facts", HTMLDListElement), [
    ["Request", target === "" ? "not known" : make("code", {}, visible(target))],
    ["Headers", String(headers.length)],
    ["Signature", value === undefined ? (signatureMissing === undefined ? "no X-Walnut-Signature" : "not known") : make("code", {}, visible(value))],
    ["Body", body],
  ]);
  element("request-notes", HTMLUListElement).replaceChildren(...notes.map((note) => make("li", {}, visible(note))));
}
