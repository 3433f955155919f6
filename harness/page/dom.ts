// Elements. The content of a body, an answer or a key is always set as text, never as markup.

/** Returns the element of index.html with this id. */
export function element<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`index.html must have a ${type.name} with the id “${id}”`);
}

/** Makes an element. Strings among its children become text. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets a text if it differs, so that an equal text is not announced again and keeps its selection. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Fills a list of terms and their values. */
export function terms(list: HTMLDListElement, values: readonly (readonly [term: string, value: Node | string])[]): void {
  list.replaceChildren(...values.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}

/** Shows the mistake in a field in its note, or clears the note for an empty text. The field's `aria-describedby` names the note. */
export function showMistake(field: HTMLElement, note: HTMLElement, text: string): void {
  setText(note, text);
  if (text === "") field.removeAttribute("aria-invalid");
  else field.setAttribute("aria-invalid", "true");
}

/** Returns the value of the chosen radio button of this name. */
export function chosen(name: string): string {
  return document.querySelector<HTMLInputElement>(`input[name="${name}"]:checked`)?.value ?? "";
}

/** Chooses a radio button. */
export function choose(name: string, value: string): void {
  for (const button of document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)) button.checked = button.value === value;
}
