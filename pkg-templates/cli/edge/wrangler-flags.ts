// The flags that `edge deploy` passes on to wrangler. With other flags, wrangler could deploy a Worker whose settings were not
// checked. `--var` is not among them, because wrangler prints its value.
import { usage } from "../failure.js";
import { didYouMean } from "../nearest.js";
import { plain } from "../terminal.js";

const WITH_VALUE = ["--tag", "--message", "--route", "--routes", "--domain", "--domains"];
const WITHOUT_VALUE = ["--keep-vars", "--logpush", "--strict"];
const ALL = [...WITH_VALUE, ...WITHOUT_VALUE];

/** Returns each flag and its value as one word, so that wrangler reads no value as another flag or as a program. */
export function wranglerFlags(words: readonly string[], own: readonly string[]): readonly string[] {
  const flags: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (!word.startsWith("-")) throw usage(`"${plain(word)}" is one argument too many: the flags of wrangler follow --`);
    const [, name = "", inline] = /^([^=]*)(?:=([^]*))?$/.exec(word) ?? [];
    if (!ALL.includes(name)) throw unknown(name, own);
    if (WITHOUT_VALUE.includes(name)) {
      if (inline !== undefined) throw usage(`${name} takes no value`);
      flags.push(name);
      continue;
    }
    const next = words[at + 1];
    const value = inline ?? (next?.startsWith("-") ? undefined : next);
    if (value === undefined || value === "") throw usage(`${name} needs a value. If the value begins with "-", write ${name}=VALUE`);
    if (inline === undefined) at++;
    flags.push(`${name}=${value}`);
  }
  return flags;
}

function unknown(name: string, own: readonly string[]): Error {
  const hint = own.includes(name.slice(2)) ? " It is an option of edge deploy: give it before --" : didYouMean(name, ALL);
  const list = ALL.join(", ").replace(/, (\S+)$/, " and $1");
  return usage(`${plain(name)} is not a flag that edge deploy passes on to wrangler: it passes on ${list}.${hint}`);
}
