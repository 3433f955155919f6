// The common parts of both npm packages: version, licenses, notices, and the modes of files.
import { chmodSync, cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { notices, SDK } from "./crates.mjs";

const root = join(import.meta.dirname, "..");

/** The version of all released packages, from Cargo.toml. */
export const version = /^version = "(.+)"$/m.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))[1];

/**
 * Writes the files of a package apart from its code: its manifest with the version, its README, licenses, and the
 * notices of the crates in the SDK.
 */
export function finish(out, manifest, readme) {
  cpSync(readme, join(out, "README.md"));
  for (const file of readdirSync(root)) if (file.startsWith("LICENSE")) cpSync(join(root, file), join(out, file));
  writeFileSync(join(out, "THIRD_PARTY_LICENSES"), notices(SDK));
  writeFileSync(join(out, "package.json"), `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
  // npm packs the modes of files, which would otherwise depend on the umask of the machine.
  for (const file of readdirSync(out, { recursive: true, withFileTypes: true })) {
    chmodSync(join(file.parentPath, file.name), file.isDirectory() ? 0o755 : 0o644);
  }
}
