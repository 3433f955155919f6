// Reads a file of variables as dotenv does, with which wrangler reads .dev.vars. Lines that dotenv skips or cuts are mistakes
// here: an edge must not run with a part of its key.
import { Failure, NOT_RUN } from "../failure.js";
import { plain } from "../terminal.js";

/** Source: https://github.com/motdotla/dotenv, lib/main.js */
const LINE = /^\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\n]+)?\s*(#.*)?$/gm;

const QUOTED = /^(['"`])([\s\S]*)\1$/;

/**
 * Returns the variables. The messages contain no value, since it may be a secret.
 *
 * @throws Failure `malformed`.
 */
export function parseFile(bytes: Uint8Array, file: string): Record<string, string> {
  const text = decoded(bytes, file).replace(/\r\n?/g, "\n");
  if (text.includes("\0")) throw malformed(file, lineAt(text, text.indexOf("\0")), "the line has a null byte");
  const found = new Map<string, string>();
  let end = 0;
  for (const match of text.matchAll(LINE)) {
    const [whole, name = "", raw = "", comment] = match;
    checkSkipped(text, end, match.index, file);
    end = match.index + whole.length;
    const value = raw.trim();
    const number = lineAt(text, match.index + whole.indexOf(name));
    const [, quote, inner = ""] = QUOTED.exec(value) ?? [];
    if (quote === undefined && /^['"`]/.test(value)) throw malformed(file, number, `the value of ${name} begins with a quote: end it with the same quote`);
    if (comment !== undefined && quote === undefined && /\S$/.test(whole.slice(0, whole.length - comment.length))) {
      throw malformed(file, number, `# begins a comment: put the value of ${name} in quotes, or a blank before the comment`);
    }
    const content = quote === undefined ? value : quote === '"' ? inner.replace(/\\n/g, "\n").replace(/\\r/g, "\r") : inner;
    found.set(name, content);
  }
  checkSkipped(text, end, text.length, file);
  return Object.fromEntries(found);
}

function decoded(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Failure("malformed", `${plain(file)} is not UTF-8 text`, NOT_RUN);
  }
}

/** Checks that the text between two variables has only blank lines and comments. */
function checkSkipped(text: string, from: number, to: number, file: string): void {
  for (const { 0: line, index } of text.slice(from, to).matchAll(/.+/g)) {
    if (!/^\s*(?:#|$)/.test(line)) throw malformed(file, lineAt(text, from + index), "the line is not NAME=VALUE");
  }
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function malformed(file: string, number: number, problem: string): Failure {
  return new Failure("malformed", `${plain(file)}, line ${number}: ${problem}`, NOT_RUN);
}
