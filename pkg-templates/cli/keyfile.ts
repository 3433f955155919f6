// Reads a key from a file, and warns about other characters in the file.
import { Failure, NOT_RUN } from "./failure.js";
import { read } from "./files.js";
import { plain, warn } from "./terminal.js";

/** The limit on a key file, in bytes: a longer file is likely another one. */
const MOST_KEY_BYTES = 64 << 10;

/** Reads the bytes of a key, without the newline that editors put at the end of a file. */
export async function readKeyFile(path: string): Promise<Uint8Array> {
  const bytes = await read(path, MOST_KEY_BYTES);
  const end = bytes.at(-1) !== 10 ? 0 : bytes.at(-2) === 13 ? 2 : 1;
  const key = bytes.subarray(0, bytes.length - end);
  if (key.length === 0) throw new Failure("invalid_key", `the key file ${plain(path)} is empty`, NOT_RUN);
  const found = surroundings(key);
  if (end === 2) found.push("a Windows line end (CR LF), which is ignored here; a program that removes only LF gets another key");
  for (const problem of found) warn(`the key file ${plain(path)} has ${problem}`);
  return key;
}

/** Describes the characters that are likely not a part of the key. The descriptions do not contain the key. */
function surroundings(key: Uint8Array): string[] {
  const [first, second] = key;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return ["a UTF-16 byte order mark: save it as UTF-8 without a byte order mark"];
  }
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(key);
  const unmarked = text.replace(/^\ufeff/, "");
  const bare = unmarked.replace(/^[\s\u200b]+|[\s\u200b]+$/g, "");
  const [, name] = /^((?:export\s+)?[A-Za-z_]\w*)\s*=\s*[^\s=]/.exec(bare) ?? [];
  const checks: [boolean, string][] = [
    [unmarked !== text, "a UTF-8 byte order mark at its start, which is used as a part of the key: save it without a byte order mark"],
    [/[\r\n]/.test(bare), "several lines, which are all used as the key: leave only the key in it"],
    [bare !== unmarked, "blanks or empty lines around the key, which are used as a part of it: remove them"],
    [/["'`“”‘’«»]$/.test(bare) && /^(?:[^=]*=\s*)?["'`“”‘’«»]/.test(bare), "quotation marks around the key, which are used as a part of it: remove them"],
    [name !== undefined, "likely a name and an equals sign before the key, which are used as a part of it: leave only the key in it"],
  ];
  return checks.flatMap(([isFound, problem]) => (isFound ? [problem] : []));
}
