// The SBOMs (lists of components) of the npm packages and the Worker's bundle.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Spec, Validation } from "@cyclonedx/cyclonedx-library";

const root = join(import.meta.dirname, "../..");
execFileSync("node", [join(root, "tools/sbom.mjs")]);

for (const name of ["sdk", "cli", "worker"]) {
  const text = readFileSync(join(root, `target/sbom/${name}.cdx.json`), "utf8");
  const bom = JSON.parse(text);
  const refs = bom.components.map((component) => component["bom-ref"]);

  test(`${name}: matches CycloneDX's schema`, async () => {
    assert.equal(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(text), null);
  });

  test(`${name}: each component is a dependency of another one, and each dependency is listed`, () => {
    const all = new Set(bom.dependencies.flatMap(({ dependsOn }) => dependsOn));
    assert.deepEqual([...all].sort(), [...refs].sort());
  });

  test(`${name}: each external crate has the hash from its lock file`, () => {
    const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
    for (const { name, version, purl, hashes } of bom.components) {
      if (name === "rust-std" || name.startsWith("walnut-webhooks")) continue;
      assert.equal(purl, `pkg:cargo/${name}@${version}`);
      assert.ok(lock.includes(`name = "${name}"\nversion = "${version}"\n`), name);
      assert.ok(lock.includes(`checksum = "${hashes[0].content}"`), name);
    }
  });

  test(`${name}: the shipped files have the notices of each compiled crate`, () => {
    const folder = { sdk: "pkg", cli: "pkg-cli", worker: "worker/build" }[name];
    const notices = readFileSync(join(root, folder, "THIRD_PARTY_LICENSES"), "utf8");
    for (const { name, version } of bom.components) {
      if (name === "rust-std" || name.startsWith("walnut-webhooks")) continue;
      assert.ok(notices.includes(`${name}@${version}`), name);
    }
    assert.match(notices, /subtle@\S+, under BSD-3-Clause\s+Copyright \(c\) 2016/);
  });

  test(`${name}: exactly the compiled crates are listed`, () => {
    const names = new Set(bom.components.map(({ name }) => name));
    for (const compiled of ["hmac", "sha2", "subtle", "time", "base64ct", "hex", "serde-wasm-bindgen", "rust-std"]) assert.ok(names.has(compiled), compiled);
    for (const other of ["syn", "serde_derive", "axum", "hyper", "worker-macros"]) assert.ok(!names.has(other), other);
    assert.equal(names.has("worker"), name === "worker");
    assert.equal(names.has("talc"), name !== "worker");
  });
}

test("cli: the SDK is a component, because the command line depends on it", () => {
  const { components } = JSON.parse(readFileSync(join(root, "target/sbom/cli.cdx.json"), "utf8"));
  assert.match(components.find(({ purl }) => purl?.startsWith("pkg:npm/")).purl, /^pkg:npm\/walnut-webhooks@\d/);
});
