// One field of an event, as an input that fits its type.
import { showMistake, make } from "../page/dom.js";
import type { Field, Json } from "./fields.js";

/** The value of a field; `undefined` if it is absent. */
export type Value = Json | undefined;

/** The fields whose values are long. */
const LONG = /(^|_)(id|url|uri|agent)$/;

let inputCount = 0;

/** Makes the inputs of a field. `change` gets each new valid value. */
export function fieldInput(field: Field, path: string, value: Value, change: (value: Value) => void): HTMLElement {
  const id = `field-${inputCount++}`;
  const note = make("p", { id: `${id}-note`, class: "error" });
  const input = field.type === "boolean" ? choice(field) : plain(field);
  const label = make("label", { for: id }, field.name, ...(field.type === "time" ? [make("span", { class: "hint" }, " UTC")] : []));
  for (const [name, value] of Object.entries({ id, "aria-describedby": note.id, "data-path": path })) input.setAttribute(name, value);
  const row = make("div", { class: "split" }, label);
  const nulled = field.isNullable && flag("null", field.name, row);
  const absent = field.isOptional && field.type !== "boolean" && flag("absent", field.name, row);
  let last = typeof value === "string" || typeof value === "number" ? value : field.type === "integer" ? 0 : "";

  const show = () => {
    input.disabled = Boolean((nulled && nulled.checked) || (absent && absent.checked));
  };
  const read = () => {
    show();
    if (absent && absent.checked) return change(undefined);
    if (nulled && nulled.checked) return change(null);
    if (field.type === "boolean") return change(input.value === "" ? undefined : input.value === "true");
    const next = parse(field, input as HTMLInputElement);
    const needed = field.type === "integer" ? "A whole number is needed: the last one is kept." : "A date and a time are needed, up to the year 9999: the last ones are kept.";
    showMistake(input, note, next === undefined ? needed : "");
    // An invalid value, such as an empty date, does not replace the previous value.
    if (next !== undefined) last = next;
    change(last);
  };
  for (const [one, other] of [[nulled, absent], [absent, nulled]] as const) {
    if (!one) continue;
    one.addEventListener("change", () => {
      if (one.checked && other) other.checked = false;
      read();
    });
  }
  input.addEventListener("input", read);

  if (nulled) nulled.checked = value === null;
  if (absent) absent.checked = value === undefined;
  input.value = field.type === "boolean" ? (value === undefined ? "" : String(value)) : field.type === "time" ? inputTime(String(last)) : String(last);
  show();
  return make("div", { class: LONG.test(field.name) ? "field long" : "field" }, row, input, note);
}

function plain({ type }: Field): HTMLInputElement {
  const attributes = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
  switch (type) {
    case "integer":
      return make("input", { type: "number", step: "1", ...attributes });
    case "time":
      return make("input", { type: "datetime-local", step: "0.001", ...attributes });
    case "url":
    case "email":
      return make("input", { type: "text", inputmode: type, ...attributes });
    default:
      return make("input", { type: "text", ...attributes });
  }
}

function choice({ isOptional }: Field): HTMLSelectElement {
  const options = ["true", "false"].map((value) => make("option", { value }, value));
  return make("select", {}, ...options, ...(isOptional ? [make("option", { value: "" }, "absent")] : []));
}

/** Makes the switch that sets a field to null or leaves it out. */
function flag(state: "null" | "absent", name: string, row: HTMLElement): HTMLInputElement {
  const box = make("input", { type: "checkbox", "aria-label": `${name} is ${state}`, "data-flag": state });
  row.append(make("label", { class: "check" }, box, state));
  return box;
}

/** Reads an input; `undefined` if its value is not of its type. */
function parse({ type }: Field, input: HTMLInputElement): string | number | undefined {
  if (type === "integer") return Number.isSafeInteger(input.valueAsNumber) ? input.valueAsNumber : undefined;
  if (type === "time") return timeOf(input.value);
  return input.value;
}

/**
 * Writes a time as Walnut does, with six digits after the second. Returns `undefined` if the text is not a time, or is
 * after the year 9999.
 */
function timeOf(text: string): string | undefined {
  const at = new Date(`${text}Z`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString().replace("Z", "000Z");
}

/** Writes a time for a time input, which accepts three digits after the second. */
function inputTime(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, -1);
}
