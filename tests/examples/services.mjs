// Starts the databases of the examples, each with its own folder.
import { execFileSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, root, start } from "./support.mjs";

const makeFolder = () => mkdtempSync(join(tmpdir(), "walnut-"));
const deleteFolder = (folder) => rmSync(folder, { recursive: true });

/** Makes a folder that is deleted after the test. */
export function temporary(t) {
  const folder = makeFolder();
  t.after(() => deleteFolder(folder));
  return folder;
}

/** Installs a program, and returns its path, which tools/prerequisites.sh prints. */
const prerequisite = (name) =>
  execFileSync(join(root, "tools/prerequisites.sh"), [name], { encoding: "utf8" }).trim().split("\n").at(-1);

/**
 * Runs a server until the test ends. `stop` ends it. `crash` ends it so that it has to recover, and starts it again. The
 * folder is deleted after the server has ended.
 */
async function service(t, folder, launch, signals) {
  let server = await launch();
  t.after(async () => {
    await server.stop(signals.stop);
    deleteFolder(folder);
  });
  return {
    stop: () => server.stop(signals.stop),
    crash: async () => {
      await server.stop(signals.crash);
      server = await launch();
    },
  };
}

/** Starts Redis, which stores nothing on disk unless it is `durable`. */
export async function startRedis(t, { durable = false } = {}) {
  const [program, port, folder] = [prerequisite("redis"), await freePort(), makeFolder()];
  const persistence = durable ? { appendonly: "yes", appendfsync: "always" } : { appendonly: "no" };
  const options = { bind: "127.0.0.1", port, save: "", dir: folder, ...persistence };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const launch = async () => {
    const redis = start(t, [program, ...flags]);
    await redis.printed(/Ready to accept connections/);
    return redis;
  };
  const redis = await service(t, folder, launch, { stop: "SIGTERM", crash: "SIGKILL" });
  return { ...redis, url: `redis://127.0.0.1:${port}` };
}

/** Starts PostgreSQL with an empty database. */
export async function startPostgres(t) {
  const [programs, port, folder, user] = [prerequisite("postgres"), await freePort(), makeFolder(), postgresUser()];
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const options = { cwd: folder, user };
  const initialize = ["--pgdata=data", "--username=walnut", "--auth=trust", "--encoding=UTF8", "--locale=C"];
  await start(t, [join(programs, "initdb"), ...initialize], options).printed(/Success/);
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", `port=${port}`];
  const flags = ["-D", "data", ...settings.flatMap((setting) => ["-c", setting])];
  const launch = async () => {
    const postgres = start(t, [join(programs, "postgres"), ...flags], { ...options, stopSignal: "SIGQUIT" });
    await postgres.printed(/database system is ready to accept connections/);
    return postgres;
  };
  // SIGINT ends the clients' sessions, and SIGQUIT also skips the checkpoint. SIGTERM would wait for the clients.
  const postgres = await service(t, folder, launch, { stop: "SIGINT", crash: "SIGQUIT" });
  const url = `postgres://walnut@127.0.0.1:${port}/postgres`;
  return { ...postgres, url, query: (sql) => execFileSync(join(programs, "psql"), [url, "--command", sql]) };
}

/** Returns the user to run PostgreSQL as, because it refuses to run as root. */
function postgresUser() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}
