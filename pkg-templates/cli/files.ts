// Files, read up to a limit: a device never ends, and what is too large should not fill the memory first.
import { createReadStream } from "node:fs";
import { Failure, reason, NOT_RUN } from "./failure.js";

/** The most that is read of a body or of a request, in bytes: 64 MiB. */
const MOST_FILE_BYTES = 64 << 20;

/** Reads a file's bytes, or those of standard input where it is `-`. */
export async function read(file: string, most = MOST_FILE_BYTES): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of file === "-" ? process.stdin : createReadStream(file)) {
      pieces.push(piece);
      length += piece.length;
      if (length > most) break;
    }
  } catch (error) {
    throw new Failure("unreadable", `${file} can't be read: ${reason(error)}`, NOT_RUN);
  }
  if (length > most) throw new Failure("unreadable", `${file === "-" ? "standard input" : file} is over ${size(most)}`, NOT_RUN);
  return Buffer.concat(pieces);
}

function size(bytes: number): string {
  return bytes < 1 << 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`;
}
