// Reads files up to a limit, so that a device without an end or a large file does not fill the memory.
import { createReadStream } from "node:fs";
import { Failure, NOT_RUN, reason } from "./failure.js";
import { plain } from "./terminal.js";

/** The limit on a body or a request, in bytes: 64 MiB. */
const MOST_FILE_BYTES = 64 << 20;

/** Reads the bytes of a file; `-` is standard input. */
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
    throw new Failure("unreadable", `${file === "-" ? "standard input" : plain(file)} can't be read: ${reason(error)}`, NOT_RUN);
  }
  if (length > most) throw new Failure("unreadable", `${file === "-" ? "standard input" : plain(file)} is over the limit of ${size(most)}`, NOT_RUN);
  return Buffer.concat(pieces);
}

function size(bytes: number): string {
  return bytes < 1 << 20 ? `${bytes / 1024} KiB` : `${bytes / 2 ** 20} MiB`;
}
