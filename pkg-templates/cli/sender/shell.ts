// Words of a command, quoted and unquoted as POSIX shells do; `$'…'` as bash and zsh do.

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07", b: "\b", e: "\x1b", E: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v",
};

/** Splits a command into its words, up to the end of the command. `notes` is told of what is not done. */
export function words(command: string, notes: string[]): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let at = 0;
  /** Reads up to a quote; one behind a backslash is none where `escapes`. */
  const until = (quote: string, escapes: boolean) => {
    const from = at;
    while (at < command.length && command[at] !== quote) at += escapes && command[at] === "\\" ? 2 : 1;
    if (at >= command.length) notes.push("A quote is not closed: the command is read to its end.");
    return command.slice(from, at++);
  };
  while (at < command.length) {
    const character = command[at++] as string;
    if (/\s/.test(character)) {
      if (word !== undefined) found.push(word);
      word = undefined;
      if (character === "\n") break;
    } else if (/[;|&]/.test(character)) {
      break;
    } else if (character === "\\") {
      const next = command[at++] ?? "";
      // A backslash at a line's end goes with the newline, of either kind.
      if (next === "\r" && command[at] === "\n") at++;
      else if (next !== "\n") word = (word ?? "") + next;
    } else if (character === "'") {
      word = (word ?? "") + until("'", false);
    } else if (character === '"') {
      word = (word ?? "") + until('"', true).replace(/\\([$`"\\]|\r?\n)/g, (_, escaped) => (/\n/.test(escaped) ? "" : escaped));
    } else if (character === "$" && command[at] === "'") {
      at++;
      word = (word ?? "") + ansi(until("'", true));
    } else {
      if (character === "$" && /[\w{(]/.test(command[at] ?? "")) notes.push("A variable of the shell stands as it is: its value is not known here.");
      word = (word ?? "") + character;
    }
  }
  if (word !== undefined) found.push(word);
  return found;
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

/** Quotes a word so that a POSIX shell takes it as it stands. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
