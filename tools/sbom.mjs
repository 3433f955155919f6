// Writes the contents of the three shipped products as CycloneDX into target/sbom/: the crates in the WebAssembly of the
// SDK, of the command line's page, and of the Worker. None contains JavaScript of another project. The files contain no
// time and no random number, so that the same sources give the same bytes.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compiled, SDK, WORKER } from "./crates.mjs";
import { version } from "./package.mjs";

const root = join(import.meta.dirname, "..");

const checksums = new Map();
for (const [, name, version, checksum] of readFileSync(join(root, "Cargo.lock"), "utf8").matchAll(
  /name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"/g,
)) checksums.set(`${name}@${version}`, checksum);

const [, rust] = execFileSync("rustc", ["--version"], { encoding: "utf8" }).split(" ");
// The standard library is in every build, but in no lock file.
const std = {
  type: "library",
  "bom-ref": `rust-std@${rust}`,
  name: "rust-std",
  version: rust,
  description: "Rust's standard library, from the toolchain",
  licenses: [{ expression: "MIT OR Apache-2.0" }],
};

function component({ name, version, license }) {
  const id = `${name}@${version}`;
  const checksum = checksums.get(id);
  return {
    type: "library",
    "bom-ref": id,
    name,
    version,
    licenses: [{ expression: license }],
    // Members of this workspace are not published elsewhere.
    ...(checksum && { hashes: [{ alg: "SHA-256", content: checksum }], purl: `pkg:cargo/${id}` }),
  };
}

const license = "MIT OR Apache-2.0";

/** One of this project's npm packages. */
function npmPackage(name) {
  const purl = `pkg:npm/${name}@${version}`;
  return { ...component({ name, version, license }), "bom-ref": purl, purl };
}

/** Lists the components of `shipped`: these crates with their dependencies, and the npm packages that it depends on. */
function bom(shipped, crates, packages = []) {
  const parts = compiled(crates);
  // The Worker is one of the crates. An npm package contains several.
  const own = [...crates.map(([name]) => `${name}@${version}`), ...packages.map((one) => one["bom-ref"])]
    .filter((ref) => ref !== shipped["bom-ref"]);
  const needs = [...parts].map(([ref, { needs }]) => ({ ref, dependsOn: [std["bom-ref"], ...needs] }));
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { lifecycles: [{ phase: "build" }], component: shipped },
    components: [...[...parts.values()].map(component).filter((part) => part["bom-ref"] !== shipped["bom-ref"]), ...packages, std],
    dependencies: own.length === 0 ? needs : [{ ref: shipped["bom-ref"], dependsOn: own }, ...needs],
  };
}

const out = join(root, "target/sbom");
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const sdk = npmPackage("walnut-webhooks");
const boms = {
  sdk: bom(sdk, SDK),
  // Its page contains the SDK, and its commands use the SDK's package.
  cli: bom(npmPackage("walnut-webhooks-cli"), SDK, [sdk]),
  worker: bom(component({ name: "walnut-webhooks-worker", version, license }), WORKER),
};
for (const [name, bom] of Object.entries(boms)) {
  writeFileSync(join(out, `${name}.cdx.json`), `${JSON.stringify(bom, null, 2)}\n`);
  console.log(`target/sbom/${name}.cdx.json: ${bom.components.length} components`);
}
