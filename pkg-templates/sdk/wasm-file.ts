import { readFileSync } from "node:fs";

/** Compiles WebAssembly from a file of the package. The CommonJS build uses it. */
export function compile(file: string): object {
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (cause) {
    throw new Error(
      `walnut-webhooks can't load its WebAssembly from ${file}. Deploy this file with the package, or let the bundler use the package's "module" or "import" condition, which needs no file.`,
      { cause },
    );
  }
}
