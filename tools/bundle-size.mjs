// What the package costs a page: everything that it takes to verify and to type, bundled, minified and gzipped.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes. */
export async function bundleSize(pkg) {
  const { outputFiles } = await build({
    entryPoints: [join(pkg, "index.js")],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
