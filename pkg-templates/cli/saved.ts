// Saved deliveries: a folder with one file each, the whole request as raw HTTP, whose body's bytes are those that came.
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRequest } from "./sender/parse.js";
import { type HttpRequest, rawRequest } from "./sender/request.js";
import { Failure, reason, NOT_TRIED } from "./failure.js";
import { read } from "./files.js";
import { isOfOneHop } from "./headers.js";
import { plain } from "./terminal.js";

const EXTENSION = ".http";

/** Makes the folder that deliveries are saved to, where it is not there. */
export async function makeFolder(folder: string): Promise<void> {
  // For the person alone: deliveries have names and addresses of people in them.
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
    throw new Failure("unwritable", `the folder ${folder} can't be made: ${reason(error)}`, NOT_TRIED);
  });
}

/** Saves a request and returns its file's name. In the order of their names, files stand as they came. */
export async function save(folder: string, request: HttpRequest, at: Date, name: string | null): Promise<string> {
  const what = /^[\w-]{1,64}$/.test(name ?? "") ? name : "unknown";
  // Of several in one millisecond, and of several programs, each has its own.
  const file = `${at.toISOString().replaceAll(":", "-")}-${sequence()}-${what}${EXTENSION}`;
  // Whoever looks into the folder sees whole files only.
  const unfinished = join(folder, `.${file}.${randomBytes(4).toString("hex")}`);
  // How the body was framed on its way is over: it is all that follows the head.
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

/** Lists the files of a folder's deliveries, the oldest first. */
export async function savedIn(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "there is no such folder" : reason(error);
    throw new Failure("unreadable", `the folder ${folder} can't be read: ${why}`, NOT_TRIED);
  }
  const files = names.filter((name) => name.endsWith(EXTENSION) && !name.startsWith(".")).sort();
  if (files.length === 0) throw new Failure("nothing_saved", `the folder ${folder} has no delivery in it: listen --save writes some`, NOT_TRIED);
  return files.map((name) => join(folder, name));
}

/** Reads a saved delivery. */
export async function readSaved(file: string): Promise<HttpRequest> {
  const request = parseRequest(await read(file));
  if (request !== undefined && (request.method ?? "POST") !== "POST") {
    throw new Failure("not_a_request", `${file} is no saved delivery: Walnut posts, but this is a ${request.method}`, NOT_TRIED);
  }
  if (request === undefined) throw new Failure("not_a_request", `${file} is no saved delivery: it must be raw HTTP`, NOT_TRIED);
  if (request.bodyMissing !== undefined) throw new Failure("not_a_request", `${file} is no saved delivery. ${plain(request.bodyMissing)}`, NOT_TRIED);
  return request;
}
