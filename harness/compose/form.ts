// The form of an event: every documented field, grouped by object.
import { make } from "../page/dom.js";
import { announce } from "../page/announce.js";
import { type Field, inOrder, type Json, type JsonObject } from "./fields.js";
import { fieldInput } from "./input.js";

/** Fills `form` with the fields of an event, and updates the event as they are edited. `newItem` makes an item for a list. */
export function showForm(form: HTMLElement, event: JsonObject, fields: readonly Field[], newItem: () => JsonObject, changed: () => void): void {
  form.replaceChildren(...group(event, fields, ""));

  /** Makes the groups of objects and lists, after the fields outside of groups. */
  function group(object: JsonObject, fields: readonly Field[], before: string): HTMLElement[] {
    const path = (name: string) => (before === "" ? name : `${before}.${name}`);
    const own = fields.filter(({ type }) => type !== "object" && type !== "list").map((field) =>
      fieldInput(field, path(field.name), object[field.name], (value) => {
        if (value === undefined) delete object[field.name];
        else object[field.name] = value;
        changed();
      }));
    const groups = fields.flatMap((field) => {
      const { name, type, fields = [] } = field;
      const value = object[name] as Json;
      if (type === "list") return [list(value as JsonObject[], fields, path(name))];
      if (type !== "object") return [];
      const inner = group(value as JsonObject, fields, path(name));
      // `data` contains all groups, so it needs no frame.
      return path(name) === "data" ? inner : [make("fieldset", {}, make("legend", {}, path(name)), ...inner)];
    });
    const legend = before === "data" ? "data" : "event";
    const isFramed = before === "" || before === "data";
    return isFramed ? [make("fieldset", {}, make("legend", {}, legend), ...own), ...groups] : [...own, ...groups];
  }

  function list(items: JsonObject[], fields: readonly Field[], path: string): HTMLElement {
    const add = make("button", { type: "button", class: "add-item" }, "Add an item");
    const frame = make("fieldset", { class: "list" });
    /** The unfolded items. They stay unfolded when the list is shown again. */
    const open = new WeakSet(items.slice(0, 1));
    const show = () => {
      frame.replaceChildren(make("legend", {}, path), ...items.map((item, index) => {
        const remove = make("button", { type: "button", class: "remove-item" }, `Remove ${path}[${index}]`);
        remove.addEventListener("click", () => {
          items.splice(index, 1);
          show();
          changed();
          add.focus();
          announce(`${path}[${index}] is removed: ${items.length} left.`);
        });
        const title = make("summary", {}, `${path}[${index}]`);
        const details = make("details", {}, title, make("div", { class: "fields" }, ...group(item, fields, `${path}[${index}]`)), remove);
        details.open = open.has(item);
        details.addEventListener("toggle", () => (details.open ? open.add(item) : open.delete(item)));
        return details;
      }), add);
    };
    add.addEventListener("click", () => {
      const item = inOrder({ ...newItem(), position: items.length + 1 }, fields);
      items.push(item);
      open.add(item);
      show();
      changed();
      frame.querySelector<HTMLElement>("details:last-of-type > summary")?.focus();
      announce(`${path}[${items.length - 1}] is added.`);
    });
    show();
    return frame;
  }
}
