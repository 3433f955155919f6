// @ts-check
// The page decides nothing: it hands bytes to the package and shows what comes back. What a body says
// is only ever set as text.
import { Webhook } from "walnut-webhooks";
import { SAMPLE_KEY, samples } from "./samples.js";

/** @typedef {import("walnut-webhooks").Delivery} Delivery */
/** @typedef {{ verdict: "genuine" | "refused" | "none", message: string, code?: string, status?: number, delivery?: Delivery }} Result */

const MAX_FILE_BYTES = 1 << 20;
const VERDICTS = { genuine: "Genuine", refused: "Refused", none: "Not checked" };

const body = element("body", HTMLTextAreaElement);
const key = element("key", HTMLInputElement);
const signature = element("signature", HTMLInputElement);
const file = element("file", HTMLInputElement);
const toggle = element("show", HTMLButtonElement);

/** The bytes of an opened file, until the text is edited: a text field can't hold every byte. @type {Uint8Array | undefined} */
let opened;
/** Keyed with what the key field holds. @type {Webhook | undefined} */
let webhook;

body.addEventListener("input", () => {
  opened = undefined;
  say("file-note", "");
  check();
});
key.addEventListener("input", () => {
  webhook = undefined;
  check();
});
signature.addEventListener("input", () => check());
toggle.addEventListener("click", () => {
  const shown = key.type === "password";
  key.type = shown ? "text" : "password";
  toggle.setAttribute("aria-pressed", String(shown));
});
element("sign", HTMLButtonElement).addEventListener("click", () => {
  if (key.value === "") key.focus();
  sign();
});
element("check", HTMLButtonElement).addEventListener("click", () => {
  check({ asked: true });
  element("summary", HTMLElement).scrollIntoView({ block: "nearest" });
});
for (const [id, text] of Object.entries(samples)) {
  element(id, HTMLButtonElement).addEventListener("click", () => {
    setBody(text);
    if (key.value === "") key.value = SAMPLE_KEY;
    webhook = undefined;
    sign();
  });
}
file.addEventListener("change", async () => {
  const chosen = file.files?.[0];
  if (chosen) await open(chosen);
  file.value = ""; // so that the same file, changed since, can be opened again
});
// On the whole page: a file that missed the field would otherwise replace the page.
document.addEventListener("dragover", (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  body.classList.add("target");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) body.classList.remove("target");
});
document.addEventListener("drop", (event) => {
  body.classList.remove("target");
  const dropped = event.dataTransfer?.files[0];
  if (!dropped) return;
  event.preventDefault();
  open(dropped);
});

check();

/** Takes a file's bytes as the body. @param {File} chosen */
async function open(chosen) {
  if (chosen.size > MAX_FILE_BYTES) {
    say("file-note", `${chosen.name} is too large: ${bytes(chosen.size)}, but at most ${bytes(MAX_FILE_BYTES)} can be opened. The body is unchanged.`);
    return;
  }
  try {
    const content = new Uint8Array(await chosen.arrayBuffer());
    setBody(new TextDecoder().decode(content), content);
    say("file-note", `${chosen.name}: its ${bytes(content.length)} are used exactly as they are, until the text above is edited.`);
    check();
  } catch {
    say("file-note", `${chosen.name} can’t be read: choose it again, or another. The body is unchanged.`);
  }
}

/** @param {string} text @param {Uint8Array} [content] */
function setBody(text, content) {
  body.value = text;
  opened = content;
  say("file-note", "");
}

function rawBody() {
  return opened ?? body.value;
}

/** Fills in the signature that Walnut would send with this body. */
function sign() {
  try {
    if (key.value !== "") signature.value = keyed().sign(rawBody());
    check();
  } catch (error) {
    show(refusal(error));
  }
}

function check({ asked = false } = {}) {
  show(judge(asked));
}

/** @param {boolean} asked Whether the button was pressed, rather than a field edited. @returns {Result} */
function judge(asked) {
  if (key.value === "") {
    return { verdict: "none", message: "Enter the key, or choose a sample event to begin with." };
  }
  if (signature.value === "" && !asked) {
    return { verdict: "none", message: "Enter the signature that came with this body, or press Sign." };
  }
  try {
    // An empty field stands for an absent header.
    const delivery = keyed().verify(rawBody(), signature.value === "" ? undefined : signature.value);
    const typed = delivery.type === "unknown" ? " Its name or shape is not a documented one, so its type is unknown." : "";
    return { verdict: "genuine", message: `The key produces this signature for exactly this body.${typed}`, delivery };
  } catch (error) {
    return refusal(error);
  }
}

function keyed() {
  return (webhook ??= new Webhook(key.value));
}

/** @param {unknown} error @returns {Result} */
function refusal(error) {
  const { code, status, message } = /** @type {Partial<import("walnut-webhooks").WebhookError>} */ (error);
  if (code === undefined) return { verdict: "none", message: `The check itself failed, so nothing is known. Try again. (${message})` };
  return { verdict: "refused", message: message ?? "", code, status };
}

/** @param {Result} result */
function show({ verdict, message, code, status, delivery }) {
  element("verdict", HTMLElement).dataset.verdict = verdict;
  say("verdict", VERDICTS[verdict]);
  say("code", code ?? "");
  say("status", status === undefined ? "" : `HTTP ${status}`);
  say("message", message);
  say("size", bytes(opened?.length ?? new TextEncoder().encode(body.value).length));
  say("key-note", key.value === SAMPLE_KEY ? `The made-up key “${SAMPLE_KEY}” is in use: replace it with your own.` : "");
  element("delivery", HTMLElement).hidden = delivery === undefined;
  showDelivery(delivery);
}

/** @param {Delivery | undefined} delivery */
function showDelivery(delivery) {
  const fields = /** @type {Record<string, unknown>} */ ({ ...delivery });
  for (const cell of document.querySelectorAll("#delivery dd")) {
    cell.textContent = String(fields[cell.getAttribute("data-field") ?? ""] ?? "null");
  }
  const drift = delivery?.drift ?? [];
  const rows = drift.map(({ path, kind, expected, found }) => {
    const row = document.createElement("tr");
    for (const text of [path, kind, expected, found]) row.insertCell().textContent = text ?? "–";
    return row;
  });
  document.querySelector("#drift tbody")?.replaceChildren(...rows);
  document.querySelector("#drift table")?.toggleAttribute("hidden", rows.length === 0);
  const compared = delivery?.type !== "unknown";
  say("drift-none", rows.length > 0 ? "" : compared ? "None: exactly as documented." : "Nothing to compare with: no event of this name is documented.");
  say("event", delivery === undefined ? "" : JSON.stringify(delivery.event, null, 2));
}

/** Sets a text where it differs, so that a screen reader hears changes only. @param {string} id @param {string} text */
function say(id, text) {
  const place = element(id, HTMLElement);
  if (place.textContent !== text) place.textContent = text;
}

/** @param {number} count */
function bytes(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "byte" : "bytes"}`;
}

/** @template {HTMLElement} T @param {string} id @param {new () => T} type @returns {T} */
function element(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html must have a ${type.name} with the id “${id}”`);
}
