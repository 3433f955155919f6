// The keys, shared by all views: the current one, and the previous ones. They are only in these fields:
// nothing stores them, and no text on the page contains them.
import { Webhook } from "walnut-webhooks";
import { element, make, setText } from "./dom.js";
import { type Segment, segments } from "./segments.js";

/** The package accepts no more. */
const MOST_KEYS = 4;

const list = element("key-list", HTMLOListElement);
const add = element("add-key", HTMLButtonElement);

interface Row {
  readonly item: HTMLLIElement;
  readonly label: HTMLLabelElement;
  readonly input: HTMLInputElement;
  readonly toggle: HTMLButtonElement;
  readonly remove: HTMLButtonElement;
  readonly note: HTMLParagraphElement;
}

const rows: Row[] = [];
let rowCount = 0;
let cached: Webhook | undefined;
let changed = () => {};

/** Makes the fields work; `notify` is called after each change. */
export function startKeys(notify: () => void): void {
  changed = () => {
    cached = undefined;
    notify();
  };
  addRow();
  add.addEventListener("click", () => addRow().input.focus());
}

/** The entered keys, the current one first, each with the number of its field. */
export function keys(): { field: number; key: string }[] {
  return rows.map(({ input }, field) => ({ field, key: input.value })).filter(({ key }) => key !== "");
}

/** Returns the object that signs and verifies with the keys, or `undefined` without a key. Throws for invalid keys. */
export function webhook(): Webhook | undefined {
  const all = keys();
  if (all.length === 0) return undefined;
  return (cached ??= new Webhook(all.map(({ key }) => key)));
}

/** Fills in a key for an example, if no key is entered. */
export function keyIfNone(key: string): void {
  const first = rows[0];
  if (keys().length > 0 || first === undefined) return;
  first.input.value = key;
  changed();
}

export function focusKey(): void {
  rows[0]?.input.focus();
}

/** Shows the mistake in one of the keys, with only the characters around it. Without a field, removes the mark. */
export function markKey(field: number | undefined, text = "", marks: readonly Segment[] = []): void {
  rows.forEach(({ input, note }, index) => {
    const isWrong = index === field;
    if (isWrong) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    note.replaceChildren(...(isWrong ? [text, ...(marks.length > 0 ? [" ", segments(marks)] : [])] : []));
  });
}

function addRow(): Row {
  const id = `key-${rowCount++}`;
  const label = make("label", { for: id });
  const input = make("input", {
    id, type: "password", autocomplete: "off", autocapitalize: "off", spellcheck: "false", "aria-describedby": `${id}-note key-hint`,
  });
  const toggle = make("button", { type: "button", "aria-controls": id, "aria-pressed": "false" });
  const remove = make("button", { type: "button" });
  const note = make("p", { id: `${id}-note`, class: "error" });
  const item = make("li", {}, label, make("div", { class: "joined" }, input, toggle, remove), note);
  const row = { item, label, input, toggle, remove, note };
  input.addEventListener("input", changed);
  toggle.addEventListener("click", () => {
    const show = input.type === "password";
    input.type = show ? "text" : "password";
    toggle.setAttribute("aria-pressed", String(show));
  });
  remove.addEventListener("click", () => {
    rows.splice(rows.indexOf(row), 1);
    item.remove();
    labelRows();
    changed();
    add.focus();
  });
  rows.push(row);
  list.append(item);
  labelRows();
  return row;
}

/** Labels the rows by their position. */
function labelRows(): void {
  rows.forEach(({ label, toggle, remove }, place) => {
    const title = place === 0 ? "Key" : rows.length === 2 ? "Previous key" : `Previous key ${place}`;
    setText(label, title);
    toggle.replaceChildren("Show", make("span", { class: "unseen" }, ` ${title.toLowerCase()}`));
    remove.replaceChildren("Remove", make("span", { class: "unseen" }, ` ${title.toLowerCase()}`));
    remove.hidden = place === 0;
  });
  add.hidden = rows.length === MOST_KEYS;
}
