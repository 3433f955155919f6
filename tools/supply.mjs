// Checks what this project takes from others: crates by cargo-deny, npm packages by npm, and their lock files. What
// needs a database that can't be reached is told as such, and not counted as passed; with STRICT=1, it fails.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const strict = process.env.STRICT === "1";

/** Runs a program in a folder. Git must not wait for a password where the database is not to be had. */
function run(folder, program, ...args) {
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: join(root, folder), env, encoding: "utf8", maxBuffer: Infinity });
  if (error) throw error;
  return { ok: status === 0, stdout, said: `${stdout}${stderr}`.trim() };
}

const PASSED = { state: "passed" };
const failed = (said) => ({ state: "failed", said });
const unchecked = (said) => ({ state: "not checked", said });
const judge = ({ ok, said }) => (ok ? PASSED : failed(said));

const deny = (...args) => run(".", "target/tools/bin/cargo-deny", "--locked", "--workspace", ...args);

function advisories() {
  const fetched = deny("fetch", "db");
  if (!fetched.ok) return unchecked(fetched.said.split("\n")[0]);
  return judge(deny("--offline", "check", "advisories"));
}

/** What comes from a registry is named by its hash, and comes from one host; `hosts` has those of the files before. */
function lockFile(folder, hosts) {
  const { packages } = JSON.parse(readFileSync(join(root, folder, "package-lock.json"), "utf8"));
  const problems = [];
  for (const [name, { link, inBundle, integrity, resolved }] of Object.entries(packages)) {
    // The project itself; a folder of it; what is inside of another package's archive, under its hash.
    if (name === "" || link || inBundle || !name.includes("node_modules/")) continue;
    if (!/^sha512-/.test(integrity)) problems.push(`${name} has no SHA-512`);
    if (resolved) hosts.add(new URL(resolved).host);
  }
  if (hosts.size > 1) problems.push(`not all of it is from one host: ${[...hosts].join(", ")}`);
  return problems.length === 0 ? PASSED : failed(problems.join("\n"));
}

/** `answered` tells a report from an error that came in its place. */
function ask(folder, answered, ...args) {
  const result = run(folder, "npm", "audit", ...args, "--json", "--fetch-retries=0");
  const report = JSON.parse(result.stdout);
  return answered(report) ? judge(result) : unchecked(report.message ?? report.error.summary);
}

const hosts = new Set();
const npm = (folder) => [
  ["its lock file is in sync", () => judge(run(folder, "npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund"))],
  ["hashes, and one host", () => lockFile(folder, hosts)],
  ["known vulnerabilities", () => ask(folder, (report) => "vulnerabilities" in report, "--audit-level=high")],
  ["the registry's signatures", () => ask(folder, (report) => "invalid" in report, "signatures")],
];
const checks = {
  crates: [
    ["licenses, bans and sources", () => judge(deny("check", "licenses", "bans", "sources"))],
    ["advisories", advisories],
  ],
  "npm, here": npm("."),
  "npm, tests": npm("tests"),
  "npm, examples": npm("examples"),
  "npm, bench": npm("bench"),
};

const count = { passed: 0, failed: 0, "not checked": 0 };
for (const [where, all] of Object.entries(checks)) {
  for (const [what, check] of all) {
    const { state, said } = check();
    count[state] += 1;
    console.log(`${where.padEnd(14)} ${what.padEnd(27)} ${state}`);
    if (said) console.log(said.replace(/^/gm, "    "));
  }
}
console.log(`supply: ${Object.entries(count).map(([state, number]) => `${number} ${state}`).join(", ")}`);
if (count.failed > 0 || (strict && count["not checked"] > 0)) process.exitCode = 1;
