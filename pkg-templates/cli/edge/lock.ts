// One process uses a data folder at a time. A lock is a socket: the system closes it even if its process is killed. Each
// process has its own socket, because the socket of a killed process can't be replaced atomically.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, renameSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join, relative } from "node:path";
import { Failure, NOT_RUN, reason } from "../failure.js";

/** The longest path of a socket, in bytes: macOS has the lowest limit. */
const MOST_PATH_BYTES = 103;

/** How long to wait for a process that starts at the same time, in milliseconds. */
const DECIDE_MS = 5000;

const LOCK = /^lock-[0-9a-f]{8}\.sock$/;

/**
 * Locks a data folder. Returns a function that unlocks it.
 *
 * @throws Failure `in_use` or `unwritable`.
 */
export async function lock(data: string): Promise<() => Promise<void>> {
  const name = `lock-${randomBytes(4).toString("hex")}`;
  const path = join(data, `${name}.sock`);
  const waiting = new Set<Socket>();
  let isHeld = false;
  const server = createServer((client) => {
    client.on("error", () => client.destroy());
    if (isHeld) client.end(HELD);
    else waiting.add(client);
  });
  const unlock = async () => {
    if (!server.listening) return;
    rmSync(path, { force: true });
    for (const client of waiting) client.destroy();
    server.close();
    await once(server, "close");
  };
  try {
    // Renamed once it listens: a socket of this name without a listener belongs to a killed process, so other processes remove it.
    server.listen(socketPath(join(data, name)));
    await once(server, "listening");
    renameSync(join(data, name), path);
    const others = readdirSync(data).filter((other) => LOCK.test(other) && other !== `${name}.sock`);
    const taken = await Promise.all(others.map((other) => isTaken(join(data, other), path)));
    if (taken.includes(true)) throw new Failure("in_use", `another process uses the folder ${data}: stop it first, or choose another folder with --data`, NOT_RUN);
  } catch (error) {
    await unlock();
    throw error instanceof Failure ? error : new Failure("unwritable", `the folder ${data} can't be written: ${reason(error)}`, NOT_RUN);
  }
  isHeld = true;
  for (const client of waiting) client.end(HELD);
  waiting.clear();
  server.unref();
  return unlock;
}

const HELD = "held";

/**
 * Whether another process has the lock, or will get it. If two processes start at the same time, the first by name gets the
 * lock: it waits until the other process has decided, and the other process does not wait.
 */
async function isTaken(other: string, own: string): Promise<boolean> {
  const client = await connected(other);
  if (client === undefined) {
    rmSync(other, { force: true });
    return false;
  }
  try {
    if (other < own) return true;
    client.setTimeout(DECIDE_MS);
    // If the connection ends in any other way, its process did not get the lock.
    const after = (event: string, result: boolean) => once(client, event).then(() => result, () => false);
    return await Promise.race([after("data", true), after("timeout", true), after("close", false)]);
  } finally {
    client.destroy();
  }
}

/** The shortest path of a socket: the system limits its length. */
export function socketPath(path: string): string {
  const shortest = [path, relative(process.cwd(), path)].sort((a, b) => a.length - b.length)[0] as string;
  if (Buffer.byteLength(shortest) <= MOST_PATH_BYTES) return shortest;
  throw new Failure("unwritable", `the path ${path} is too long for a socket: it may have ${MOST_PATH_BYTES} bytes. Use a shorter --data`, NOT_RUN);
}

/** The errors of a connection if no process listens, or if the process closes its socket at this moment. */
const CLOSED = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"];

/** Connects to a socket; `undefined` if no process listens on it. */
export async function connected(path: string): Promise<Socket | undefined> {
  const client = connect(socketPath(path));
  try {
    await once(client, "connect");
    return client;
  } catch (error) {
    client.destroy();
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && CLOSED.includes(code)) return undefined;
    throw error;
  }
}
