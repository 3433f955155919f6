// Measures the size that an entry of the package adds to a page: everything that it loads, bundled,
// minified and gzipped.
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Returns bytes. */
export async function bundleSize(pkg, entry = "index") {
  const { outputFiles } = await build({
    entryPoints: [join(pkg, `${entry}.js`)],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}
