// Reads files up to a limit, so that an endless device or a large file does not fill the memory.
import { createReadStream, fstatSync, statSync, type Stats } from "node:fs";
import { Failure, NOT_RUN, reason } from "./failure.js";
import { isStandardInput as isNameOfStandardInput } from "./sender/shell.js";
import { plain } from "./terminal.js";

/** The limit on a body or a request, in bytes: 64 MiB. */
const MOST_FILE_BYTES = 64 << 20;

/** Reads the bytes of a file; `-` is standard input. */
export async function read(file: string, most = MOST_FILE_BYTES): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of file === "-" ? process.stdin : createReadStream(file)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > most) break;
    }
  } catch (error) {
    throw new Failure("unreadable", `${file === "-" ? "standard input" : plain(file)} can't be read: ${reason(error)}`, NOT_RUN);
  }
  if (length > most) throw new Failure("unreadable", `${file === "-" ? "standard input" : plain(file)} is over the limit of ${size(most)}`, NOT_RUN);
  return Buffer.concat(chunks);
}

/** Reads a file whose name comes from a foreign text. It must be regular: reading a pipe or a device might never end. */
export async function readRegular(file: string): Promise<Uint8Array> {
  const found = status(file);
  if (found !== undefined && !found.isFile() && !found.isDirectory()) throw new Failure("unreadable", `${plain(file)} is not a regular file`, NOT_RUN);
  return read(file);
}

interface Input {
  readonly file: string;
}

/** Finds two inputs that are the same pipe or the same terminal, even under different names. */
export function sharedInput<T extends Input>(inputs: readonly T[]): [T, T] | undefined {
  for (const [index, second] of inputs.entries()) {
    const first = inputs.slice(0, index).find(({ file }) => isSameStream(file, second.file));
    if (first !== undefined) return [first, second];
  }
  return undefined;
}

function isSameStream(one: string, other: string): boolean {
  if (isNameOfStandardInput(one) && isNameOfStandardInput(other)) return true;
  const [first, second] = [status(one), status(other)];
  return first !== undefined && second !== undefined && isSame(first, second) && !first.isFile() && !first.isDirectory();
}

/** Whether a file is standard input. A file that standard input is redirected from counts as well. */
export function isStandardInput(file: string): boolean {
  const [named, standard] = [status(file), status("-")];
  return isNameOfStandardInput(file) || (named !== undefined && standard !== undefined && isSame(named, standard));
}

function isSame(one: Stats, other: Stats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** Returns the status of a file; `undefined` if it can't be read. */
function status(file: string): Stats | undefined {
  try {
    return isNameOfStandardInput(file) ? fstatSync(0) : statSync(file);
  } catch {
    return undefined;
  }
}

function size(bytes: number): string {
  return bytes < 1 << 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`;
}
