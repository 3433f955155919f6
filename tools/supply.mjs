// Checks the dependencies of this project: crates with cargo-deny, npm packages with npm, and their lock files. If
// a check needs a database that can't be reached, the output says so, and the check does not count as passed. With
// STRICT=1, it fails.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "..");
const strict = process.env.STRICT === "1";

/** Runs a program in a folder. Git must not ask for a password if the database is unavailable. */
function run(folder, program, ...args) {
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const { status, error, stdout, stderr } = spawnSync(program, args, { cwd: join(root, folder), env, encoding: "utf8", maxBuffer: Infinity });
  if (error) throw error;
  return { ok: status === 0, stdout, output: `${stdout}${stderr}`.trim() };
}

const PASSED = { state: "passed" };
const failed = (output) => ({ state: "failed", output });
const unchecked = (output) => ({ state: "not checked", output });
const judge = ({ ok, output }) => (ok ? PASSED : failed(output));

/** The folders of the repository that have a lock file of this name. */
function locked(name) {
  const { ok, stdout, output } = run(".", "git", "ls-files", "-z", `*${name}`);
  const files = stdout.split("\0").filter(Boolean);
  if (!ok || files.length === 0) throw new Error(`git lists no ${name}: ${output}`);
  return files.map(dirname);
}

const deny = (folder, ...args) =>
  run(".", "target/tools/bin/cargo-deny", "--locked", "--workspace", "--config", "deny.toml", "--manifest-path", join(folder, "Cargo.toml"), ...args);

function advisories(folder) {
  const fetched = deny(folder, "fetch", "db");
  if (!fetched.ok) return unchecked(fetched.output.split("\n")[0]);
  return judge(deny(folder, "--offline", "check", "advisories"));
}

const cargo = (folder) => {
  // The programs for benchmarks and fuzzing are not part of any shipped file.
  const rules = folder === "." ? ["licenses", "bans", "sources"] : ["sources"];
  return [
    [rules.join(", "), () => judge(deny(folder, "check", ...rules))],
    ["advisories", () => advisories(folder)],
  ];
};

/** Checks that the lock file has a SHA-512 hash of each package from a registry. */
function checkHashes(folder) {
  const { packages } = JSON.parse(readFileSync(join(root, folder, "package-lock.json"), "utf8"));
  const problems = [];
  for (const [name, { link, inBundle, integrity }] of Object.entries(packages)) {
    // Skips the project itself, its folders, and packages inside another package's archive, which has a hash.
    if (name === "" || link || inBundle || !name.includes("node_modules/")) continue;
    if (!/^sha512-/.test(integrity)) problems.push(`${name} has no SHA-512`);
  }
  return problems.length === 0 ? PASSED : failed(problems.join("\n"));
}

/** Runs `npm audit`. `isReport` says whether its output is a report and not an error. */
function audit(folder, isReport, ...args) {
  const result = run(folder, "npm", "audit", ...args, "--json", "--fetch-retries=0");
  const report = JSON.parse(result.stdout);
  return isReport(report) ? judge(result) : unchecked(report.message ?? report.error.summary);
}

const npm = (folder) => [
  ["its lock file is in sync", () => judge(run(folder, "npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund"))],
  ["hashes", () => checkHashes(folder)],
  ["known vulnerabilities", () => audit(folder, (report) => "vulnerabilities" in report, "--audit-level=high")],
  ["the registry's signatures", () => audit(folder, (report) => "invalid" in report, "signatures")],
];
const checks = [
  ...locked("Cargo.lock").map((folder) => [`crates, ${folder}`, cargo(folder)]),
  ...locked("package-lock.json").map((folder) => [`npm, ${folder}`, npm(folder)]),
];

const count = { passed: 0, failed: 0, "not checked": 0 };
for (const [where, all] of checks) {
  for (const [what, check] of all) {
    const { state, output } = check();
    count[state] += 1;
    console.log(`${where.padEnd(24)} ${what.padEnd(27)} ${state}`);
    if (output) console.log(output.replace(/^/gm, "    "));
  }
}
console.log(`supply: ${Object.entries(count).map(([state, number]) => `${number} ${state}`).join(", ")}`);
if (count.failed > 0 || (strict && count["not checked"] > 0)) process.exitCode = 1;
