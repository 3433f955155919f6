// Saved deliveries: a folder with a file for each. A file is the whole request as raw HTTP, with the body's bytes unchanged.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseRequest } from "./sender/parse.js";
import { type HttpRequest, rawRequest } from "./sender/request.js";
import { Failure, reason, NOT_RUN } from "./failure.js";
import { read } from "./files.js";
import { isOfOneHop } from "./headers.js";
import { plain } from "./terminal.js";

const EXTENSION = ".http";

/** Creates the folder to save deliveries in, unless it exists, and checks that files can be written there. */
export async function makeFolder(folder: string): Promise<void> {
  const probe = join(folder, `.${randomBytes(8).toString("hex")}`);
  try {
    await makeFolders(folder);
    await writeFile(probe, "", { flag: "wx", mode: 0o600 });
    await rm(probe);
  } catch (error) {
    // ENOENT: the parent folders exist by now, so the file system does not allow new entries, such as /proc.
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "nothing can be created there" : reason(error);
    throw new Failure("unwritable", `--save: the folder ${plain(folder)} can't be written to: ${why}`, NOT_RUN);
  }
}

/** Creates a folder and its parents. Node's `recursive` does not end in /proc. */
async function makeFolders(folder: string): Promise<void> {
  // Only its owner has access: deliveries contain personal data.
  const make = () => mkdir(folder, 0o700);
  try {
    await make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(folder)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(folder) === folder) throw error;
    await makeFolders(dirname(folder));
    await make();
  }
}

/** Saves a request and returns the name of its file. Sorted by name, files are in the order of arrival. */
export async function save(folder: string, request: HttpRequest, at: Date, name: string | null): Promise<string> {
  const event = /^[\w-]{1,64}$/.test(name ?? "") ? name : "unknown";
  // Unique even for several requests in one millisecond, and for several processes.
  const file = `${at.toISOString().replaceAll(":", "-")}-${sequence()}-${event}${EXTENSION}`;
  // A reader of the folder sees only complete files.
  const unfinished = join(folder, `.${file}.${randomBytes(4).toString("hex")}`);
  // The headers that frame the body are left out: in the file, the body is all that follows the head.
  const headers = request.headers.filter(([name]) => !isOfOneHop(name));
  try {
    await writeFile(unfinished, rawRequest({ ...request, headers }), { flag: "wx", mode: 0o600 });
    await rename(unfinished, join(folder, file));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  return file;
}

let saved = 0;

function sequence(): string {
  return `${String(saved++).padStart(6, "0")}${randomBytes(2).toString("hex")}`;
}

/** Lists the files in a folder of saved deliveries, the oldest first. */
export async function savedIn(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such folder" : reason(error);
    throw new Failure("unreadable", `the folder ${plain(folder)} can't be read: ${why}`, NOT_RUN);
  }
  const files = names.filter((name) => name.endsWith(EXTENSION) && !name.startsWith(".")).sort();
  if (files.length === 0) throw new Failure("nothing_saved", `the folder ${plain(folder)} has no saved deliveries: listen --save writes them`, NOT_RUN);
  return files.map((name) => join(folder, name));
}

/** Reads a saved delivery. */
export async function readSaved(file: string): Promise<HttpRequest> {
  const request = parseRequest(await read(file));
  if (request !== undefined && (request.method ?? "POST") !== "POST") {
    throw new Failure("not_a_request", `${plain(file)} is not a saved delivery: Walnut sends POST requests, but this is a ${plain(`${request.method}`)}`, NOT_RUN);
  }
  if (request === undefined) throw new Failure("not_a_request", `${plain(file)} is not a saved delivery: it must be raw HTTP`, NOT_RUN);
  if (request.bodyMissing !== undefined) throw new Failure("not_a_request", `${plain(file)} is not a saved delivery. ${plain(request.bodyMissing)}`, NOT_RUN);
  return request;
}
