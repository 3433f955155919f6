// Starts each example server by the command in its first lines. It must accept genuine events and reject forgeries.
import { join } from "node:path";
import { test } from "node:test";
import { freePort, patience, post, receives, root, run, serve } from "./support.mjs";

const node = process.execPath;
const at = (path) => join(root, path);
const next = (command) => [node, at("examples/node_modules/next/dist/bin/next"), command];
const nextServer = {
  build: next("build"),
  command: [...next("start"), "--hostname", "127.0.0.1", "--port", "0"],
  env: { NEXT_TELEMETRY_DISABLED: "1" },
};

const examples = {
  fastify: { command: [node, "server.mjs"] },
  hono: { command: [node, "server.mjs"] },
  koa: { command: [node, "server.mjs"] },
  node: { command: [node, "server.mjs"] },
  "fetch in Bun": { folder: "fetch", command: [at("tests/node_modules/@oven/bun-linux-x64/bin/bun"), "server.mjs"] },
  "fetch in Deno": {
    folder: "fetch",
    command: [
      at("tests/node_modules/@deno/linux-x64-glibc/deno"),
      ...["serve", "--allow-env", "--host", "127.0.0.1", "--port", "0", "server.mjs"],
    ],
  },
  "next-app": nextServer,
  "next-pages": { ...nextServer, path: "/api/webhook" },
  nestjs: { build: [at("node_modules/.bin/tsc")], command: [node, "dist/main.js"] },
  sveltekit: {
    build: [node, at("examples/node_modules/vite/bin/vite.js"), "build"],
    command: [node, "build"],
    // The server prints the requested port, even if that is 0, so the test chooses a free one.
    env: { HOST: "127.0.0.1", PORT: String(await freePort()), BODY_SIZE_LIMIT: "2M" },
  },
  // The command `functions-framework` listens on every interface. This is the same server on 127.0.0.1.
  "google-cloud-functions": {
    command: [
      ...[node, "--input-type=module", "--eval"],
      `import "./index.mjs";
       import { getTestServer } from "@google-cloud/functions-framework/testing";
       const server = getTestServer("webhook").listen(0, "127.0.0.1", () => {
         console.log("listening on http://127.0.0.1:" + server.address().port);
       });`,
    ],
  },
  axum: {
    build: ["cargo", "build", "--quiet", "--locked", "--package", "axum-example"],
    command: [at("target/debug/axum-example")],
  },
};

for (const [name, { folder = name, build, ...example }] of Object.entries(examples)) {
  test(name, patience, async (t) => {
    const cwd = join(root, "examples", folder);
    if (build !== undefined) await run(build, cwd, example.env);
    const server = await serve(t, example.command, { cwd, ...example });
    await receives(server, (...sent) => post(server.url, ...sent));
  });
}
