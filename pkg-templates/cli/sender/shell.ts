// Words of a command, quoted and unquoted as POSIX shells do; `$'…'` as bash and zsh do.

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07", b: "\b", e: "\x1b", E: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v",
};

/** A word of a command. */
export interface Word {
  /** A byte from an escape of `$'…'` is a character from U+DC80 to U+DCFF: see `wordBytes`. */
  readonly text: string;
  /** Whether the shell replaces a part of it: a variable, or the output of a command. That part is left as it is. */
  readonly isExpanded: boolean;
}

/** Splits a command into its words, up to the end of the command. `isOpen` says that a quote is not closed. */
export function parseWords(command: string): { words: Word[]; isOpen: boolean } {
  const words: Word[] = [];
  let text: string | undefined;
  let isExpanded = false;
  let isOpen = false;
  let at = 0;
  const end = () => {
    if (text !== undefined) words.push({ text, isExpanded });
    text = undefined;
    isExpanded = false;
  };
  /** Reads up to a quote. With `escapes`, a quote after a backslash does not count. */
  const until = (quote: string, escapes: boolean) => {
    const from = at;
    while (at < command.length && command[at] !== quote) at += escapes && command[at] === "\\" ? 2 : 1;
    if (at >= command.length) isOpen = true;
    return command.slice(from, at++);
  };
  while (at < command.length) {
    const character = command[at++] as string;
    if (/\s/.test(character)) {
      end();
      if (character === "\n") break;
    } else if (/[;|&]/.test(character)) {
      break;
    } else if (character === "\\") {
      const next = command[at++] ?? "";
      // A backslash at the end of a line removes the line break, of either kind.
      if (next === "\r" && command[at] === "\n") at++;
      else if (next !== "\n") text = (text ?? "") + next;
    } else if (character === "'") {
      text = (text ?? "") + until("'", false);
    } else if (character === '"') {
      const inside = until('"', true);
      if (EXPANSION.test(inside.replace(/\\[^]/g, ""))) isExpanded = true;
      text = (text ?? "") + inside.replace(/\\([$`"\\]|\r?\n)/g, (_, escaped) => (/\n/.test(escaped) ? "" : escaped));
    } else if (character === "$" && command[at] === "'") {
      at++;
      text = (text ?? "") + ansi(until("'", true));
    } else if (character === "$" && command[at] === '"') {
      // $"…" is "…" in the language of the user.
    } else {
      if (EXPANSION.test(character + (command[at] ?? ""))) isExpanded = true;
      text = (text ?? "") + character;
    }
  }
  end();
  return { words, isOpen };
}

/** Matches a variable or the output of a command, in a text without escaped characters. */
export const EXPANSION = /`|\$[\w{(@*#?!$-]/;

/** Whether the name of a file means standard input. */
export function isStandardInput(file: string): boolean {
  return /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/self\/fd\/0)$/.test(file);
}

/** Undoes the escapes of `$'…'` as bash does. */
function ansi(text: string): string {
  const plain = text.replace(/\\(u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|c\\\\|c[^]|[^])/g, (all, escape: string) => {
    if (/^[0-7]/.test(escape)) return byte(Number.parseInt(escape, 8) & 0xff);
    if (escape.length === 1) return ESCAPES[escape] ?? (/[\\'"?]/.test(escape) ? escape : all);
    if (escape[0] === "c") return escape[1] === "?" ? "\x7f" : byte(escape.charCodeAt(1) & 0x1f);
    const code = Number.parseInt(escape.slice(1), 16);
    if (escape[0] === "x") return byte(code);
    if (code >= 0xd800 && code <= 0xdfff) return [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)].map(byte).join("");
    return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
  const end = plain.indexOf("\0");
  return end < 0 ? plain : plain.slice(0, end);
}

/** Returns the character that represents a byte: a lone surrogate if it is not ASCII, as in Python's "surrogateescape". */
function byte(value: number): string {
  return String.fromCharCode(value < 0x80 ? value : 0xdc00 + value);
}

/** Returns the bytes of a word: its UTF-8, with the bytes from escapes unchanged. */
export function wordBytes(text: string): Uint8Array {
  const encoder = new TextEncoder();
  const parts = text.split(/([\u{dc80}-\u{dcff}]+)/u).map((part, index) =>
    index % 2 === 0 ? encoder.encode(part) : Uint8Array.from(part, (character) => character.charCodeAt(0) - 0xdc00),
  );
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Returns the text of a word, with U+FFFD for bytes that are not UTF-8. */
export function wordText(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(wordBytes(text));
}

/** Quotes a word, so that a POSIX shell passes it on unchanged. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
