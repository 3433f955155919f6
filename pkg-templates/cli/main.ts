#!/usr/bin/env node
// Starts the program, unless this Node is too old for it. This file imports nothing, so that an old Node can load it.

/** As `engines` in package.json. */
const OLDEST = [20, 19] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  const code = "old_node";
  const message = `Node ${process.versions.node} is too old: install Node ${OLDEST.join(".")} or later`;
  const isJson = process.argv.indexOf("--json") >= 0;
  process.stderr.write(isJson ? `${JSON.stringify({ error: { code, message } })}\n` : `walnut-webhooks: ${message}\n`);
  process.exitCode = 2;
} else {
  import("./program.js").then(async ({ run }) => {
    process.exitCode = await run(process.argv.slice(2));
  });
}
