import { readFileSync } from "node:fs";

/** Compiles WebAssembly from a file of the package. The CommonJS build uses it. */
export function compile(file: string): object {
  return new WebAssembly.Module(read(file));
}

function read(file: string): BufferSource {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new Error(
      `walnut-webhooks can't read its WebAssembly from ${file}. Deploy this file with the package, or let the bundler use the package's "module" or "import" condition, which needs no file.`,
      { cause },
    );
  }
}
