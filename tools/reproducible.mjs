// Builds everything that is shipped a second time in another folder, and compares the bytes with the output of `make
// build` here. The second build has other paths to the sources and to Cargo's home, no compiled files, and other
// modes of files.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const elsewhere = mkdtempSync(join(tmpdir(), "reproducible-"));
const copy = join(elsewhere, "of/the/sources");

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);
for (const file of git("ls-files", "-z")) cpSync(join(root, file), join(copy, file));
// wasm-bindgen takes longer to build than everything else, and its version is pinned.
cpSync(join(root, "target/tools/bin"), join(copy, "target/tools/bin"), { recursive: true });

process.umask(0o077);
const env = { ...process.env, CARGO_HOME: join(elsewhere, "cargo"), TZ: "Asia/Kathmandu" };
for (const command of ["npm ci --no-audit --no-fund --ignore-scripts", "node tools/build-pkg.mjs", "node tools/build-cli.mjs", "node tools/build-worker.mjs"]) {
  const [program, ...args] = command.split(" ");
  execFileSync(program, args, { cwd: copy, env, stdio: ["ignore", "ignore", "inherit"] });
}

/** Returns the SHA-256 of each file that is shipped from a folder, by name. */
function shipped(folder) {
  const files = {};
  for (const name of ["pkg", "pkg-cli"]) {
    const args = ["pack", `./${name}`, "--json", "--pack-destination", elsewhere];
    const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8" }));
    files[filename] = join(elsewhere, filename);
  }
  // In addition to the tarballs, to see whether the WebAssembly differs.
  for (const file of readdirSync(join(folder, "pkg"))) if (file.endsWith(".wasm")) files[`pkg/${file}`] = join(folder, "pkg", file);
  for (const file of readdirSync(join(folder, "worker/build"))) files[`worker/build/${file}`] = join(folder, "worker/build", file);
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, createHash("sha256").update(readFileSync(file)).digest("hex")]),
  );
}

const [here, there] = [shipped(root), shipped(copy)];
const names = [...new Set([...Object.keys(here), ...Object.keys(there)])];
const differ = names.filter((name) => here[name] !== there[name]);
for (const name of names) {
  console.log(`${here[name] ?? "-".repeat(64)}  ${name}${differ.includes(name) ? `: DIFFERS, ${there[name]} in the second build` : ""}`);
}
if (differ.length > 0) {
  console.log(`reproducible: no; the second build is in ${copy}`);
  process.exitCode = 1;
} else {
  rmSync(elsewhere, { recursive: true });
  const rust = execFileSync("rustc", ["--version"], { encoding: "utf8" }).trim();
  console.log(`reproducible: a clean build elsewhere gave the same bytes, by ${rust}`);
}
