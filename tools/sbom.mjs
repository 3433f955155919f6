// Writes what is inside of the three things that are shipped, as CycloneDX, into target/sbom/: the crates that are compiled into
// the WebAssembly of the SDK, of the command line's page, and of the Worker. None has JavaScript of another project. There is
// no time and no random number in it, so that the same sources give the same bytes.
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
// It is in every build, though in no lock file.
const std = {
  type: "library",
  "bom-ref": `rust-std@${rust}`,
  name: "rust-std",
  version: rust,
  description: "Rust's standard library, as the toolchain brings it",
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
    // A member of this workspace is nowhere but here.
    ...(checksum && { hashes: [{ alg: "SHA-256", content: checksum }], purl: `pkg:cargo/${id}` }),
  };
}

const license = "MIT OR Apache-2.0";

/** One of this project's npm packages. */
function npmPackage(name) {
  const purl = `pkg:npm/${name}@${version}`;
  return { ...component({ name, version, license }), "bom-ref": purl, purl };
}

/** Lists what `shipped` is made of: these crates with all that they need, and the npm packages that it depends on. */
function bom(shipped, crates, packages = []) {
  const parts = compiled(crates);
  // The Worker is one of the crates; an npm package holds some.
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
  // Its page holds the SDK, and its commands use the SDK's package.
  cli: bom(npmPackage("walnut-webhooks-cli"), SDK, [sdk]),
  worker: bom(component({ name: "walnut-webhooks-worker", version, license }), WORKER),
};
for (const [name, bom] of Object.entries(boms)) {
  writeFileSync(join(out, `${name}.cdx.json`), `${JSON.stringify(bom, null, 2)}\n`);
  console.log(`target/sbom/${name}.cdx.json: ${bom.components.length} components`);
}
