// Runs the security checks in their quick form, and prints a table: the check, its figure, the verdict. The output of
// each check is in target/trust/. ONLY=panic-free,ct runs a part.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const out = join(root, "target/trust");
mkdirSync(out, { recursive: true });

const count = (pattern) => (text) => [...text.matchAll(pattern)].length;
const sum = (pattern) => (text) => [...text.matchAll(pattern)].reduce((all, [, number]) => all + Number(number), 0);
const found = (pattern) => (text) => pattern.exec(text)?.slice(1).join(" ") ?? "no figure in its output";
const number = (value) => value.toLocaleString("en");

/** The checks by name: the command, and a function that finds the figure in its output. */
const CHECKS = {
  vectors: ["cargo test --locked --package walnut-webhooks --package walnut-webhooks-explain --test vectors --test explain --test external", (text) => `${sum(/(\d+) passed/g)(text)} Rust tests, each with all vectors or with Wycheproof's 174`],
  peers: ["node --test --test-reporter=spec tests/package/external.test.mjs tests/package/vectors.test.mjs tests/property/peers.test.mjs", (text) => `${found(/pass (\d+)/)(text)} tests; octokit, stripe, standardwebhooks and node:crypto give the same signatures`],
  fuzz: ["make fuzz SECONDS=10", (text) => `${number(sum(/stat::number_of_executed_units:\s+(\d+)/g)(text))} inputs to ${count(/^fuzz: \w+, for/gm)(text)} targets`],
  mutants: ["make mutants QUICK=1", (text) => `${found(/(\d+ mutants tested.*)/)(text)}; ${found(/^(facade: .*)/m)(text)}`],
  ct: ["make ct", (text) => `|t| of at most ${Math.max(...[...text.matchAll(/([\d.]+)  no difference seen/g)].map(([, t]) => Number(t)))}; ${count(/caught, as it must be/g)(text)} leaky controls caught`],
  "panic-free": ["make panic-free", found(/panic-free: (.*)/)],
  model: ["cargo test --locked --package walnut-webhooks-worker model -- --nocapture", (text) => `${number(sum(/model: .*: (\d+) states/g)(text))} states`],
  supply: ["make supply", (text) => `${found(/supply: (.*)/)(text)}; ${found(/reproducible: (.*?), by/)(text)}`],
  docs: ["make docs", () => "no warning of typedoc or rustdoc"],
  pages: ["node --test --test-reporter=spec tests/docs/*.test.mjs tests/house/*.test.mjs", (text) => `${found(/pass (\d+)/)(text)} tests of snippets, links, names and workflows`],
};

// ONLY is for this tool: make would pass it to each check.
const { ONLY, MAKEFLAGS, MAKEOVERRIDES, MFLAGS, ...env } = process.env;
const only = ONLY?.split(",") ?? Object.keys(CHECKS);
const rows = [];
for (const name of only) {
  const [command, figure] = CHECKS[name] ?? [];
  if (command === undefined) throw new Error(`ONLY must list checks, but has ${name}. The checks are ${Object.keys(CHECKS).join(", ")}`);
  console.log(`trust: ${command}`);
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(command, { cwd: root, env, shell: true, encoding: "utf8", maxBuffer: Infinity });
  const text = `${stdout}${stderr}`;
  writeFileSync(join(out, `${name}.log`), text);
  const seconds = Math.round((performance.now() - began) / 1000);
  rows.push({ name, figure: status === 0 ? figure(text) : `see target/trust/${name}.log`, seconds, ok: status === 0 });
}

const width = Math.max(...rows.map(({ figure }) => figure.length));
console.log(`\n${"check".padEnd(11)} ${"figure".padEnd(width)} seconds  verdict`);
for (const { name, figure, seconds, ok } of rows) {
  console.log(`${name.padEnd(11)} ${figure.padEnd(width)} ${String(seconds).padStart(7)}  ${ok ? "passed" : "FAILED"}`);
}
if (!rows.every(({ ok }) => ok)) process.exitCode = 1;
