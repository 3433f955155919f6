// An npm registry on this machine with only the packages of this repository. It ends with the tests.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { promisify } from "node:util";
import { runServer } from "verdaccio";

const root = join(import.meta.dirname, "../..");
let started;
after(async () => (await started)?.stop());

/**
 * Starts the registry once in this process. `npm(program, args, cwd)` runs npm or npx with no other registry and returns
 * what it printed; `env` is the environment for other programs, and `tarballs` has the path of each package's tarball.
 */
export const registry = () => (started ??= start());

async function start() {
  const folder = mkdtempSync(join(tmpdir(), "registry-"));
  const storage = join(folder, "storage");
  mkdirSync(storage);
  const server = await runServer({
    storage,
    configPath: join(folder, "config.yaml"),
    auth: { htpasswd: { file: join(folder, "users") } },
    uplinks: {},
    packages: { "**": { access: "$all", publish: "$authenticated" } },
    web: { enable: false },
    log: { type: "stdout", format: "json", level: "fatal" },
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stop = () => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
  };
  const host = `127.0.0.1:${server.address().port}`;
  const config = join(folder, "npmrc");
  const token = await createUser(`http://${host}`);
  writeFileSync(config, [
    `//${host}/:_authToken=${token}`,
    // npm may have cached other packages of an earlier registry at the same port.
    `cache=${join(folder, "cache")}`,
    "audit=false",
    "fund=false",
    "update-notifier=false",
  ].join("\n"));
  const env = { ...process.env, npm_config_userconfig: config, npm_config_registry: `http://${host}/` };
  const npm = async (program, args, cwd) => (await promisify(execFile)(program, args, { cwd, env })).stdout;
  const tarballs = {};
  for (const [name, built] of [["walnut-webhooks", "pkg"], ["walnut-webhooks-cli", "pkg-cli"]]) {
    const [{ filename }] = JSON.parse(await npm("npm", ["pack", join(root, built), "--json", "--pack-destination", folder], folder));
    tarballs[name] = join(folder, filename);
    await npm("npm", ["publish", tarballs[name]], folder);
  }
  return { npm, tarballs, env, stop };
}

/** Creates a user with a random name and password, and returns the user's token. */
async function createUser(url) {
  const [name, password] = [randomBytes(8).toString("hex"), randomBytes(16).toString("hex")];
  const response = await fetch(`${url}/-/user/org.couchdb.user:${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
  if (response.status !== 201) throw new Error(`the registry answered ${response.status}: ${await response.text()}`);
  return (await response.json()).token;
}
