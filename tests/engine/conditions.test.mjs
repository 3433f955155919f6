// The condition `workerd` is for hosts that import WebAssembly as a module. In other hosts that choose it, the error must
// name the problem.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { promisify } from "node:util";
import webpack from "webpack";
import { install, run, tools } from "../loads/support.mjs";

let projects;
before(async () => ({ projects } = await install("conditions")));

const unknownExtension = /Unknown file extension "\.wasm" for .*\.wasm/;
const notAModule = /'\.\/import-as-module' is not defined by "exports" in .*walnut-webhooks.* imported from .*core\.wasm/;

for (const [major, expected] of [[20, unknownExtension], [22, notAModule], [24, notAModule], [26, notAModule]]) {
  test(`Node ${major}, --conditions=workerd: the error names core.wasm and how to import it`, async () => {
    const node = join(tools, `node${major}/bin/node`);
    await assert.rejects(run(node, ["--conditions=workerd", "script/main.mjs"], projects), expected);
  });
}

test("webpack, workerd, WebAssembly as instances: the errors name core.wasm and how to import it", async () => {
  const stats = await promisify(webpack)({
    mode: "production",
    entry: join(projects, "script/main.mjs"),
    output: { path: join(projects, "webpack") },
    resolve: { conditionNames: ["workerd", "import"] },
    experiments: { asyncWebAssembly: true },
  });
  const messages = stats.toJson({ all: false, errors: true }).errors.map(({ message }) => message).join("\n");
  assert.match(messages, /export 'default' .* was not found in '\.\/core\.wasm/);
  assert.match(messages, /"\.\/import-as-module" is not exported/);
});
