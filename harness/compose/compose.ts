// Compose: makes an event and signs it while it is edited. The shape may also differ from the documentation.
import { Webhook } from "walnut-webhooks";
import type { SampleKind } from "../../pkg-templates/cli/sender/sample.js";
import { sample, SAMPLES } from "../../pkg-templates/cli/sender/sample.js";
import { MOST_SEED, newSeed } from "../../pkg-templates/cli/sender/random.js";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { fillIn } from "../check/input.js";
import { size, utf8 } from "../page/bytes.js";
import { copy } from "../page/copy.js";
import { choose, chosen, showMistake, element, make, setText } from "../page/dom.js";
import { webhook } from "../page/keys.js";
import { showView } from "../page/tabs.js";
import { type Shape, shaped } from "./broken.js";
import { type Composed, COPIES, type Format, nodeTest } from "./copies.js";
import { FIELDS, inOrder, type JsonObject, requiredPaths, written } from "./fields.js";
import { showForm } from "./form.js";

const form = element("fields", HTMLElement);
const seedField = element("seed", HTMLInputElement);
const shape = element("shape", HTMLSelectElement);
const which = element("which", HTMLSelectElement);
const preview = element("preview", HTMLElement);

let event: JsonObject = {};
let current: Composed = { body: "", signature: undefined, delivery: undefined };
let urlToSendTo = () => "";

/** Returns the composed event. */
export function composed(): Composed {
  return current;
}

/** Makes the view work. `url` returns the URL for copied requests. */
export function startCompose(url: () => string): void {
  urlToSendTo = url;
  for (const button of document.querySelectorAll('input[name="kind"]')) button.addEventListener("change", () => fill(newSeed(), Date.now()));
  element("random", HTMLButtonElement).addEventListener("click", () => fill(newSeed(), Date.now()));
  seedField.addEventListener("input", () => {
    const seed = seedField.valueAsNumber;
    const isSeed = Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED;
    showMistake(seedField, element("seed-note", HTMLElement), isSeed ? "" : `A whole number from 0 to ${MOST_SEED} is needed.`);
    // As on the command line, the same seed gives the same event, including its time.
    if (isSeed) fill(seed);
  });
  for (const control of [shape, which]) control.addEventListener("change", compose);
  for (const name of ["layout", "format"]) {
    for (const button of document.querySelectorAll(`input[name="${name}"]`)) button.addEventListener("change", compose);
  }
  const button = element("copy", HTMLButtonElement);
  button.addEventListener("click", () => copy(button, preview.textContent ?? "", chosen("format")));
  const copySignature = element("copy-signature", HTMLButtonElement);
  copySignature.addEventListener("click", () => copy(copySignature, current.signature ?? "", "the signature"));
  element("use-in-check", HTMLButtonElement).addEventListener("click", () => {
    showView("check");
    fillIn(current.body, current.signature ?? "");
    element("tab-check", HTMLButtonElement).focus();
  });
  element("use-in-send", HTMLButtonElement).addEventListener("click", () => {
    choose("what", "composed");
    showView("send");
    element("url", HTMLInputElement).focus();
  });
  fill(newSeed(), Date.now());
}

const kind = () => chosen("kind") as SampleKind;

/** Fills the form with the event of a seed. Without `at`, the seed also determines the time. */
function fill(seed: number, at?: number): void {
  event = SAMPLES[kind()]({}, { seed, at }) as JsonObject;
  if (seedField.valueAsNumber !== seed) seedField.value = String(seed);
  showMistake(seedField, element("seed-note", HTMLElement), "");
  showForm(form, event, FIELDS[kind()], newItem, compose);
  compose();
}

function newItem(): JsonObject {
  const { data } = sample("playlist", { seed: newSeed() }) as { data: { items: JsonObject[] } };
  return data.items[0] as JsonObject;
}

/** Writes, signs and shows the event. */
export function compose(): void {
  const ordered = inOrder(event, FIELDS[kind()]);
  const paths = requiredPaths(ordered, FIELDS[kind()]);
  offer(paths.map(written));
  const path = paths.find((path) => written(path) === which.value) ?? ["event"];
  const body = shaped(ordered, shape.value as Shape, path, chosen("layout") === "pretty" ? 2 : 0);
  current = { body, signature: sign(body), delivery: read(body) };
  show();
}

/** Offers the fields that can be missing or have another type, and keeps the chosen field. */
function offer(names: readonly string[]): void {
  element("which-field", HTMLElement).hidden = !["missing", "type"].includes(shape.value);
  if (names.join() === Array.from(which.options, ({ value }) => value).join()) return;
  const { value } = which;
  which.replaceChildren(...names.map((name) => make("option", {}, name)));
  which.value = names.includes(value) ? value : "data.session_id";
}

function sign(body: string): string | undefined {
  try {
    return webhook()?.sign(body);
  } catch {
    return undefined; // Check shows the mistake in the key.
  }
}

/** Verifies the composed bodies with a key of its own, so that their types are known before the user has entered a key. */
const reader = new Webhook("reader");

function read(body: string): Composed["delivery"] {
  try {
    return reader.verify(body, reader.sign(body));
  } catch {
    return undefined; // The shape "not JSON at all" was chosen.
  }
}

function show(): void {
  const { body, signature, delivery } = current;
  const format = chosen("format") as Format;
  const isReady = UNSIGNED.has(format) || signature !== undefined;
  const length = size(utf8(body).length);
  setText(element("composed-size", HTMLElement), length);
  setText(element("composed-short", HTMLElement), `${visible(delivery?.name ?? element("shape", HTMLSelectElement).selectedOptions[0]?.text ?? "")}, ${length}`);
  setText(element("composed-signature", HTMLElement), signature ?? "Enter the key above to sign.");
  setText(element("composed-type", HTMLElement), typeOf(delivery));
  setText(preview, text(format));
  setText(element("format-hint", HTMLElement), HINTS[format]);
  element("copy", HTMLButtonElement).disabled = !isReady;
  element("copy-signature", HTMLButtonElement).disabled = signature === undefined;
  for (const id of ["use-in-check", "use-in-send"]) element(id, HTMLButtonElement).disabled = signature === undefined;
}

/** Describes how the package types the composed event. */
function typeOf(delivery: Composed["delivery"]): string {
  if (delivery === undefined) return "not JSON: verify throws not_json";
  const { type, drift } = delivery;
  return drift.length === 0 ? type : `${type}, differs in ${drift.map(({ path }) => path).join(", ")}`;
}

/** Returns the text that is copied. */
function text(format: Format): string {
  const { body, signature, delivery } = current;
  if (format === "body") return body;
  if (format === "node") return nodeTest({ body, delivery });
  if (signature === undefined) return "Enter the key above: this text contains a signature.";
  return COPIES[format]({ body, signature, delivery }, urlToSendTo());
}

/** The formats that have no signature. */
const UNSIGNED: ReadonlySet<Format> = new Set(["body", "node"]);

const HINTS: Readonly<Record<Format, string>> = {
  body: "The bytes that are signed, with no newline at their end.",
  curl: "For a POSIX shell. It contains the signature, but not the key.",
  fetch: "For Node, Deno, Bun or a browser. It contains the signature, but not the key.",
  node: "It tests your own handler, and needs no key: change the import, add your assertions, and run node --test.",
  rust: "Put it in tests/, and run it with WALNUT_WEBHOOK_KEY=… cargo test. It reads the key from the environment.",
};
