// Checks that the core's code can't panic: `make panic-free`.
//
// A panic in Rust names its place in the sources, in a `core::panic::Location` in the module's data. So the locations in
// the shipped module show which panics the optimizer could not rule out, regardless of inlining. None may be in the core.
// Each file of a dependency must be in tests/panic-free.json, with the reason why its panics are not reached.
//
// The check does not find stack overflows and accesses outside of memory. The nesting depth of the input is limited
// and tested, and safe Rust has no such accesses.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { initialMemory } from "./wasm-sections.mjs";

const path = (...parts) => join(import.meta.dirname, "..", ...parts);
const memory = initialMemory(readFileSync(path("pkg/core.wasm")));
const reasons = JSON.parse(readFileSync(path("tests/panic-free.json"), "utf8"));

/**
 * Returns the file of the location at this address, if there is a location. It consists of the address and the length of the
 * file's name, a line and a column.
 */
function file(address) {
  const [at, length, line, column] = [0, 4, 8, 12].map((offset) => memory.readUInt32LE(address + offset));
  const plausible = at + length <= memory.length && length < 1000 && line > 0 && line < 1e6 && column > 0 && column < 1e4;
  const name = plausible ? memory.toString("utf8", at, at + length) : "";
  return name.endsWith(".rs") ? name : undefined;
}

/** Returns the name of a file without the parts that change with each version. */
function plain(name) {
  return name.replace(/^\/rustc\/\w+\//, "").replace(/^.*?\/([\w-]+)-\d+\.\d+\.\d+[^/]*\//, "$1/");
}

const places = {};
for (let address = 0; address + 16 <= memory.length; address += 4) {
  const name = file(address);
  if (name !== undefined) (places[plain(name)] ??= []).push(`${memory.readUInt32LE(address + 8)}:${memory.readUInt32LE(address + 12)}`);
}

// Vectors can always fail to allocate memory. If a module has no location for that, this check can't read the module.
if (!Object.keys(places).some((name) => name.startsWith("library/alloc/"))) throw new Error("pkg/core.wasm has no panic locations");

for (const [name, at] of Object.entries(places)) console.log(`${name} ${at.join(" ")}\n  ${reasons[name] ?? "NOT LISTED"}`);
const unlisted = Object.keys(places).filter((name) => !Object.hasOwn(reasons, name));
const count = Object.values(places).flat().length;
if (unlisted.length === 0) console.log(`\npanic-free: ${count} places in dependencies can panic, each for a listed reason; none in the core`);
else {
  console.error(`\nThe core may panic at places in ${unlisted.join(", ")}: remove the panic, or list the reason in tests/panic-free.json`);
  process.exitCode = 1;
}
