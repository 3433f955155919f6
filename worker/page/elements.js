// Builds the elements of the page. Text from events is always set as text, never as markup.

const MOST_DEPTH = 128;

export const $ = (id) => document.getElementById(id);

/** Makes an element. Its children are elements or texts. */
export function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== false));
  return made;
}

/** Sets a text if it differs, so that a screen reader announces only changes. */
export function setText(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

/** Replaces the content of an element if it differs. The same link or button keeps the focus, and details stay open. */
export function put(id, children) {
  const next = $(id).cloneNode();
  next.append(...children);
  const opened = $(id).querySelectorAll("details");
  next.querySelectorAll("details").forEach((part, index) => (part.open = opened[index]?.open));
  if (next.isEqualNode($(id))) return;
  const { activeElement: focused } = document;
  const name = $(id).contains(focused) && ["href", "value"].find((name) => focused.hasAttribute(name));
  $(id).replaceChildren(...next.childNodes);
  if (name) $(id).querySelector(`[${name}="${focused.getAttribute(name)}"]`)?.focus();
}

/** Fills a table. `cells` returns the contents of an item's row by column; the first column heads the row. */
export function fill(id, items, cells, none = "none") {
  // `display: block` removes these roles, so they are set here.
  const row = (cells) => make("tr", { role: "row" }, ...cells);
  const head = Object.keys(items.length > 0 ? cells(items[0]) : {}).map((column) => make("th", { role: "columnheader" }, column));
  const rows = items.map((item) => row(Object.entries(cells(item)).map(([column, content], index) =>
    index === 0
      ? make("th", { role: "rowheader", "data-column": column }, content)
      : make("td", { role: "cell", "data-column": column }, content))));
  if (rows.length === 0) rows.push(row([make("td", { role: "cell" }, none)]));
  const groups = [make("thead", { role: "rowgroup" }, row(head)), make("tbody", { role: "rowgroup" }, ...rows)];
  // A heading without cells must not be a row for a screen reader.
  put(id, head.length > 0 ? groups : groups.slice(1));
}

/** Fills a list of terms with their values. Undefined values are left out. */
export function facts(id, values) {
  put(id, Object.entries(values).filter(([, value]) => value !== undefined).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** Fills a select with a default and names, and keeps the choice. An unchanged select that the user has opened stays open. */
export function choices(id, standard, names) {
  const { value } = $(id);
  put(id, [make("option", { value: "" }, standard), ...names.map((name) => make("option", { value: name }, name))]);
  $(id).value = names.includes(value) ? value : "";
}

export function link(key, text = key) {
  return make("a", { href: `#delivery=${key}` }, text);
}

export function badge(state, text = state) {
  return make("b", { class: state }, text);
}

/** Shows a name that may break only after its underscores, unless a part is too long. */
export function words(name) {
  return make("span", {}, ...name.split(/(?<=_)/).flatMap((word) => [word, make("wbr", {})]));
}

/** Formats a size. */
export function bytes(size) {
  return `${size.toLocaleString("en")}\u00a0B`;
}

/** Shows a time in ms since the epoch in the local time zone, with UTC as its tooltip. */
export function time(at) {
  if (at === null) return "–";
  const utc = new Date(at).toISOString();
  return make("time", { datetime: utc, title: utc }, new Date(at).toLocaleString("sv")); // 2026-01-31 12:00:00
}

/** Reads a field for a time. Returns ms since the epoch, or undefined if the field is empty. */
export function ms(id) {
  return $(id).value === "" ? undefined : new Date($(id).value).getTime();
}

/** Formats a time in ms since the epoch for a field, which has no seconds. */
export function minutes(at) {
  return new Date(at).toLocaleString("sv").slice(0, 16).replace(" ", "T");
}

/**
 * Formats JSON, and changes only its whitespace: numbers and repeated keys stay. Throws if the text is not JSON, or is
 * nested deeper than the core accepts.
 */
export function indent(text) {
  JSON.parse(text);
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  return text.replace(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|\s+/g, (token) => {
    if (/^\s/.test(token)) return "";
    if (token === ":") return ": ";
    if (token === ",") return `,${line()}`;
    if (token === "{" || token === "[") {
      depth += 1;
      if (depth > MOST_DEPTH) throw new RangeError("nested too deeply");
      return token + line();
    }
    if (token === "}" || token === "]") {
      depth -= 1;
      return line() + token;
    }
    return token[0] === '"' ? token : token[0] + token.at(-1);
  });
}
