// Shows an event, pretty-printed, with its drift marked in place. Its numbers and texts stay as they were written.
import type { Drift } from "walnut-webhooks";
import { visible } from "../../pkg-templates/cli/sender/visible.js";
import { make } from "../page/dom.js";

/** The most lines that are shown. */
const MOST_LINES = 3000;

const TOKENS = /"(?:[^"\\]+|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Line {
  readonly text: string;
  readonly drift: Drift | undefined;
}

/** Shows JSON that the package has parsed, with the differences from the documentation marked. */
export function showEvent(json: string, drift: readonly Drift[]): HTMLElement[] {
  const all = lines(json, drift);
  const shown = all.slice(0, MOST_LINES).map(({ text, drift }) => {
    if (drift === undefined) return make("span", { class: "line" }, `${text}\n`);
    return make("span", { class: `line ${drift.kind}` }, make("mark", {}, text), make("em", {}, `  ← ${describeDrift(drift)}`), "\n");
  });
  const more = all.length - shown.length;
  return more === 0 ? shown : [...shown, make("span", { class: "line" }, `… and ${more.toLocaleString("en")} more lines`)];
}


export function describeDrift({ kind, expected, found }: Drift): string {
  switch (kind) {
    case "added":
      return "added: not documented";
    case "missing":
      return `missing: ${expected} expected`;
    case "type":
      return `${expected} expected, ${found} found`;
  }
}

function lines(json: string, drift: readonly Drift[]): Line[] {
  const at = new Map(drift.map((one) => [one.path, one]));
  const missing = Map.groupBy(drift.filter(({ kind }) => kind === "missing"), ({ path }) => path.slice(0, Math.max(0, path.lastIndexOf("."))));
  const tokens = json.match(TOKENS) ?? [];
  const result: Line[] = [];
  let next = 0;

  const write = (path: string, indent: string, before: string): void => {
    const token = tokens[next++] as string;
    const closer = { "{": "}", "[": "]" }[token];
    if (closer === undefined) {
      result.push({ text: indent + before + visible(token) + comma(), drift: at.get(path) });
      return;
    }
    const absent = token === "{" ? (missing.get(path) ?? []) : [];
    if (tokens[next] === closer && absent.length === 0) {
      next++;
      result.push({ text: indent + before + token + closer + comma(), drift: at.get(path) });
      return;
    }
    result.push({ text: indent + before + token, drift: at.get(path) });
    for (let index = 0; tokens[next] !== closer; index++) {
      if (token === "[") {
        write(`${path}[${index}]`, `${indent}  `, "");
      } else {
        const name = tokens[next] as string;
        next += 2; // the name, and the colon
        write(member(path, JSON.parse(name)), `${indent}  `, `${visible(name)}: `);
      }
      if (tokens[next] === ",") next++;
    }
    next++;
    for (const one of absent) result.push({ text: `${indent}  "${one.path.slice(one.path.lastIndexOf(".") + 1)}"`, drift: one });
    result.push({ text: indent + closer + comma(), drift: undefined });
  };
  const comma = () => (tokens[next] === "," ? "," : "");

  write("", "", "");
  return result;
}

/** Returns the path of a member, in the notation of the package's `drift`. */
function member(path: string, name: string): string {
  if (/^[A-Za-z_$][\w$]*$/.test(name)) return path === "" ? name : `${path}.${name}`;
  const escaped = name.replace(/[\0-\x1f\x7f-\x9f"\\]/g, (character) =>
    /["\\]/.test(character) ? `\\${character}` : `\\u00${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `${path}["${escaped}"]`;
}
