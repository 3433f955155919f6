// The data folder: its owner and its permissions.
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure, NOT_RUN, reason, usage } from "../failure.js";
import { warn } from "../terminal.js";

/** The command that a folder belongs to: `edge dev` must not send the events of `edge start` to its sample origin. */
export type Owner = "dev" | "start";

const OWNER = "owner";

/** The names of the files that the edge has in its folder. */
const OWN = /^(?:inbox|owner|control\.sock|workerd\.(?:capnp|pid)|lock-[\da-f]{8}(?:\.sock)?|\..*|lost\+found)$/;

/** Reads the option `--data`. */
export function dataFolder(given: string | undefined): string | undefined {
  if (given === "") throw usage("--data is empty: give the folder of the storage");
  return given === undefined ? undefined : resolve(given);
}

/**
 * Creates a data folder, if it does not exist, and returns its path without symbolic links: one folder has one path.
 *
 * @throws Failure `unwritable`, or `other_folder` if it has files of another program.
 */
export function openFolder(folder: string): string {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const data = realpathSync(folder);
    const foreign = readdirSync(data).find((name) => !OWN.test(name));
    if (foreign !== undefined) {
      throw new Failure("other_folder", `the folder ${data} has other files, such as ${JSON.stringify(foreign)}: choose an empty folder with --data`, NOT_RUN);
    }
    if ((statSync(data).mode & 0o077) !== 0) warn(`other users can read the folder ${data}, which has personal data: run chmod 700 on it`);
    return data;
  } catch (error) {
    throw error instanceof Failure ? error : unwritable(folder, error);
  }
}

/**
 * Checks that a folder does not belong to another command. Returns a function that claims it.
 *
 * @throws Failure `other_folder`.
 */
export function checkOwner(data: string, owner: Owner): () => void {
  const path = join(data, OWNER);
  const found = owned(path);
  if (found !== undefined && found !== owner) {
    throw new Failure("other_folder", `the folder ${data} belongs to edge ${found}: its events are for other destinations. Choose another folder with --data`, NOT_RUN);
  }
  return () => write(data, () => writeFileSync(path, owner));
}

function owned(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Runs `work`, which writes to the folder. */
export function write(data: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw unwritable(data, error);
  }
}

/** Removes a file or a folder in the data folder. */
export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function unwritable(folder: string, error: unknown): Failure {
  return new Failure("unwritable", `the folder ${folder} can't be written: ${reason(error)}`, NOT_RUN);
}
