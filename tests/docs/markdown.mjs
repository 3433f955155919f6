// Reads the subset of Markdown that this repository uses.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");
export const read = (path) => readFileSync(join(root, path), "utf8");

/** Folders that are not in the repository: build output and dependencies. */
const MADE = ["node_modules", "target", "pkg", "pkg-cli", "build"];

/** The folders in `folder` that belong to the repository. */
export const folders = (folder = ".") =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith(".") && !MADE.includes(entry.name))
    .map(({ name }) => name);

/** The path of every page. */
export const pages = pagesIn("");

function pagesIn(folder) {
  const here = readdirSync(join(root, folder)).filter((name) => name.endsWith(".md"));
  return [...here, ...folders(folder).flatMap((name) => pagesIn(join(folder, name)))].map((path) =>
    path.startsWith(folder) ? path : join(folder, path),
  );
}

/**
 * The fenced blocks of a page: the language, the words after it, the code without its indentation, and the first line.
 * `prose` is the rest of the page.
 */
export function parse(text) {
  const blocks = [];
  const prose = [];
  let block;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^( *)```(.*)$/.exec(line);
    if (fence === null) {
      if (block === undefined) prose.push(line);
      else block.lines.push(line.slice(block.indent));
    } else if (block === undefined) {
      const [language, ...words] = fence[2].split(" ");
      block = { language, words: words.join(" "), indent: fence[1].length, line: index + 1, lines: [] };
    } else {
      blocks.push({ ...block, code: block.lines.join("\n") });
      block = undefined;
    }
  }
  if (block !== undefined) throw new Error(`the block of line ${block.line} has no end`);
  return { blocks, prose: prose.join("\n") };
}

/** The rows of the tables in a text, without their header rows. Each row is a list of cells. */
export function rows(text) {
  const all = text.split("\n").filter((line) => line.startsWith("|"));
  return all
    .map((line) => line.slice(1, -1).replaceAll("\\|", "\0").split("|").map((cell) => cell.trim().replaceAll("\0", "|")))
    .filter((_, index) => !/^\|[-|]+$/.test(all[index]) && !/^\|[-|]+$/.test(all[index + 1] ?? ""));
}

/** The section below a heading, down to the next heading of the same or a higher level. */
export function section(text, heading) {
  const level = /^#+/.exec(heading)[0].length;
  const from = text.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`there is no ${heading}`);
  const rest = text.slice(from + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** The words in backticks. */
export const quoted = (text) => Array.from(text.matchAll(/`([^`]+)`/g), ([, word]) => word);

/** The anchors of a page's headings, as GitHub makes them. */
export const anchors = (text) =>
  Array.from(parse(text).prose.matchAll(/^#+ (.+)$/gm), ([, title]) =>
    title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  );
