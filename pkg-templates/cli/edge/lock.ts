// One process uses a data folder at a time. The lock is a socket: the system closes it when its process ends, however it
// ends, so that no stale lock is left behind.
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join, relative } from "node:path";
import { Failure, NOT_RUN, reason } from "../failure.js";

/** The longest path of a socket, in bytes: macOS has the lowest limit. */
const MOST_PATH_BYTES = 103;

/** How long a process of workerd whose command was killed may take to end, in milliseconds. */
const ORPHAN_MS = 10_000;

/** How often to look whether it has ended, in milliseconds. */
const CHECK_MS = 50;

/**
 * Locks a data folder, and creates it if it does not exist. Returns a function that unlocks it.
 *
 * @throws Failure `in_use` or `unwritable`.
 */
export async function lock(data: string): Promise<() => Promise<void>> {
  const path = join(data, "lock.sock");
  const server = createServer((client) => client.destroy());
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    if (await isListening(path)) throw new Failure("in_use", `another process uses the folder ${data}: stop it first, or choose another folder with --data`, NOT_RUN);
    rmSync(path, { force: true });
    server.listen(socketPath(path));
    await once(server, "listening");
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure("unwritable", `the folder ${data} can't be written: ${reason(error)}`, NOT_RUN);
  }
  server.unref();
  await endOrphan(data);
  return async () => {
    if (!server.listening) return;
    server.close();
    await once(server, "close");
  };
}

/** The shortest path of a socket: the system limits its length. */
export function socketPath(path: string): string {
  const shortest = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length)[0] as string;
  if (Buffer.byteLength(shortest) <= MOST_PATH_BYTES) return shortest;
  throw new Failure("unwritable", `the path ${path} is too long for a socket: it may have ${MOST_PATH_BYTES} bytes. Use a shorter --data`, NOT_RUN);
}

/** Whether a process listens on a socket. */
async function isListening(path: string): Promise<boolean> {
  const client = connect(socketPath(path));
  try {
    await once(client, "connect");
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ECONNREFUSED") return false;
    throw error;
  } finally {
    client.destroy();
  }
}

/** Ends a workerd whose command was killed: it runs on, and holds the storage. */
async function endOrphan(data: string): Promise<void> {
  const control = join(data, "control.sock");
  if (!(await isListening(control))) return;
  const pid = Number(readFileSync(join(data, "workerd.pid"), "utf8"));
  process.kill(pid, "SIGTERM");
  const end = Date.now() + ORPHAN_MS;
  while (await isListening(control)) {
    if (Date.now() > end) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
  }
}
