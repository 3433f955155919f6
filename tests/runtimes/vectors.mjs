// Reads tests/vectors/ from disk, as plain data for any runtime.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../vectors");

export const vectors = {
  files: Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => [name.slice(0, -".json".length), JSON.parse(readFileSync(join(folder, name), "utf8"))]),
  ),
  bodies: Object.fromEntries(
    readdirSync(join(folder, "bodies")).map((name) => [name, readFileSync(join(folder, "bodies", name), "utf8")]),
  ),
};
