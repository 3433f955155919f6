// Words of a command, quoted and unquoted as POSIX shells do; `$'…'` as bash and zsh do.

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07", b: "\b", e: "\x1b", E: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v",
};

/** A word of a command. */
export interface Word {
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
    } else {
      if (EXPANSION.test(character + (command[at] ?? ""))) isExpanded = true;
      text = (text ?? "") + character;
    }
  }
  end();
  return { words, isOpen };
}

/** A variable or the output of a command, once what backslashes escape is removed. */
export const EXPANSION = /`|\$[\w{(@*#?!$-]/;

/** Whether the name of a file means standard input. */
export function isStandardInput(file: string): boolean {
  return /^(?:-|\/dev\/stdin|\/dev\/fd\/0|\/proc\/self\/fd\/0)$/.test(file);
}

/** Undoes the escapes of `$'…'`. */
function ansi(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,8}|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|[^])/g, (_, escape: string) => {
    const isHex = /^[uUx]/.test(escape) && escape.length > 1;
    const code = isHex ? Number.parseInt(escape.slice(1), 16) : Number.parseInt(escape, 8);
    if (isHex || /^[0-7]/.test(escape)) return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    return ESCAPES[escape] ?? escape;
  });
}

/** Quotes a word, so that a POSIX shell passes it on unchanged. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
