// The crates that Cargo compiles into the shipped files, without crates that run only at build time, such as macros.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const cargo = (...args) => execFileSync("cargo", [...args, "--locked"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });

/** The crates of `pkg/`: the core and explain, each with its features. */
export const SDK = [["walnut-webhooks", "--features=wasm"], ["walnut-webhooks-explain", "--features=wasm"]];

/** The crates of the Worker's bundle. */
export const WORKER = [["walnut-webhooks-worker"]];

/**
 * Lists crates and all their dependencies by id, such as `subtle@2.6.1`: name, version, license, and the ids of the
 * dependencies.
 */
export function compiled(crates) {
  const found = new Map();
  for (const [name, ...features] of crates) {
    const tree = cargo("tree", `--package=${name}`, ...features, "--target=wasm32-unknown-unknown",
      "--edges=normal,no-proc-macro", "--no-dedupe", "--prefix=depth", "--format= {p}\t{l}");
    const path = [];
    for (const [, depth, name, version, license] of tree.matchAll(/^(\d+) (\S+) v(\S+)[^\t]*\t(.+)$/gm)) {
      const id = `${name}@${version}`;
      path.splice(Number(depth), Infinity, id);
      if (!found.has(id)) found.set(id, { name, version, license: license.replaceAll("/", " OR "), needs: new Set() });
      found.get(path.at(-2))?.needs.add(id);
    }
  }
  return found;
}

/** Returns the notices that the crates' licenses require. Apache-2.0 requires LICENSE-APACHE, which is always included. */
export function notices(crates) {
  const { packages } = JSON.parse(cargo("metadata", "--all-features", "--format-version=1"));
  const known = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  const others = [...compiled(crates)].filter(([id]) => known.get(id).source !== null);
  const isApache = (license) => /\bApache-2\.0\b/.test(license) && !/\bAND\b/.test(license);
  const apache = others.filter(([, { license }]) => isApache(license));
  const rest = others.filter(([, { license }]) => !isApache(license)).map(([id, { license }]) => {
    const { manifest_path, authors } = known.get(id);
    const folder = dirname(manifest_path);
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice|unlicense)/i.test(file) && !/apache/i.test(file));
    if (files.length === 0) return `${id}, under ${license}, by ${authors.join(", ")}; it has no license file`;
    return [`${id}, under ${license}`, ...files.map((file) => readFileSync(join(folder, file), "utf8").trim())].join("\n\n");
  });
  return [
    "The WebAssembly here also contains code of other projects.",
    `Under Apache-2.0, whose text is in LICENSE-APACHE: Rust's standard library, ${apache.map(([id]) => id).join(", ")}.`,
    ...rest,
    "",
  ].join(`\n\n${"-".repeat(80)}\n\n`).replace(/-+\n\n$/, "");
}
