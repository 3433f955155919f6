// How things are shown. What an event says is only ever set as text.

const MOST_DEPTH = 128;

export const $ = (id) => document.getElementById(id);

/** Makes an element. Its children are elements, and texts that stay texts. */
export function make(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== false));
  return made;
}

/** Sets a text where it differs, so that a screen reader hears changes only. */
export function tell(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

/** Replaces what is in an element where it differs, and leaves the focus on the same link. */
export function put(id, children) {
  const next = $(id).cloneNode();
  next.append(...children);
  if (next.isEqualNode($(id))) return;
  const focused = $(id).contains(document.activeElement) && document.activeElement.getAttribute("href");
  $(id).replaceChildren(...next.childNodes);
  if (focused) $(id).querySelector(`[href="${focused}"]`)?.focus();
}

/** Fills a table; `cells` gives an item's contents by column, the first of which heads its row. */
export function fill(id, items, cells) {
  // The roles are those that display: block takes away.
  const row = (cells) => make("tr", { role: "row" }, ...cells);
  const head = Object.keys(items.length > 0 ? cells(items[0]) : {}).map((column) => make("th", { role: "columnheader" }, column));
  const rows = items.map((item) => row(Object.entries(cells(item)).map(([column, content], index) =>
    index === 0
      ? make("th", { role: "rowheader", "data-column": column }, content)
      : make("td", { role: "cell", "data-column": column }, content))));
  if (rows.length === 0) rows.push(row([make("td", { role: "cell" }, "none")]));
  const groups = [make("thead", { role: "rowgroup" }, row(head)), make("tbody", { role: "rowgroup" }, ...rows)];
  // A heading without cells is no row to a screen reader.
  put(id, head.length > 0 ? groups : groups.slice(1));
}

/** Fills a list of terms, each with what it stands for. */
export function facts(id, values) {
  put(id, Object.entries(values).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** Offers all of them, and each by its name; keeps what was chosen. */
export function choices(id, all, names) {
  const { value, options } = $(id);
  // Somebody may be choosing.
  if (names.join() === [...options].slice(1).map(({ text }) => text).join() && options.length > 0) return;
  put(id, [make("option", { value: "" }, all), ...names.map((name) => make("option", {}, name))]);
  $(id).value = names.includes(value) ? value : "";
}

export function link(key) {
  return make("a", { href: `#delivery=${key}` }, key);
}

export function badge(state, text = state) {
  return make("b", { class: state }, text);
}

/** A size as it is shown everywhere. */
export function bytes(size) {
  return `${size.toLocaleString("en")}\u00a0B`;
}

/** A time in ms since the epoch as it is here, and in UTC on demand. */
export function time(at) {
  if (at === null) return "–";
  const utc = new Date(at).toISOString();
  return make("time", { datetime: utc, title: utc }, new Date(at).toLocaleString("sv")); // 2026-01-31 12:00:00
}

/** What a field for a time says, in ms since the epoch, or undefined. */
export function ms(id) {
  return $(id).value === "" ? undefined : new Date($(id).value).getTime();
}

/**
 * JSON with other blanks: its numbers and repeated keys stay as they were written. Throws if it is none, or
 * nested deeper than the core takes.
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
