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
  return { ok: status === 0, stdout, said: `${stdout}${stderr}`.trim() };
}

const PASSED = { state: "passed" };
const failed = (said) => ({ state: "failed", said });
const unchecked = (said) => ({ state: "not checked", said });
const judge = ({ ok, said }) => (ok ? PASSED : failed(said));

/** The folders of the repository that have a lock file of this name. */
function locked(name) {
  const { ok, stdout, said } = run(".", "git", "ls-files", "-z", `*${name}`);
  const files = stdout.split("\0").filter(Boolean);
  if (!ok || files.length === 0) throw new Error(`git lists no ${name}: ${said}`);
  return files.map(dirname);
}

const deny = (folder, ...args) =>
  run(".", "target/tools/bin/cargo-deny", "--locked", "--workspace", "--config", "deny.toml", "--manifest-path", join(folder, "Cargo.toml"), ...args);

function advisories(folder) {
  const fetched = deny(folder, "fetch", "db");
  if (!fetched.ok) return unchecked(fetched.said.split("\n")[0]);
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

/** A package from a registry is identified by its hash. */
function hashes(folder) {
  const { packages } = JSON.parse(readFileSync(join(root, folder, "package-lock.json"), "utf8"));
  const problems = [];
  for (const [name, { link, inBundle, integrity }] of Object.entries(packages)) {
    // The project itself, a folder of it, and packages inside another package's archive, which has a hash.
    if (name === "" || link || inBundle || !name.includes("node_modules/")) continue;
    if (!/^sha512-/.test(integrity)) problems.push(`${name} has no SHA-512`);
  }
  return problems.length === 0 ? PASSED : failed(problems.join("\n"));
}

/** `answered` distinguishes a report from an error. */
function ask(folder, answered, ...args) {
  const result = run(folder, "npm", "audit", ...args, "--json", "--fetch-retries=0");
  const report = JSON.parse(result.stdout);
  return answered(report) ? judge(result) : unchecked(report.message ?? report.error.summary);
}

const npm = (folder) => [
  ["its lock file is in sync", () => judge(run(folder, "npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund"))],
  ["hashes", () => hashes(folder)],
  ["known vulnerabilities", () => ask(folder, (report) => "vulnerabilities" in report, "--audit-level=high")],
  ["the registry's signatures", () => ask(folder, (report) => "invalid" in report, "signatures")],
];
const checks = [
  ...locked("Cargo.lock").map((folder) => [`crates, ${folder}`, cargo(folder)]),
  ...locked("package-lock.json").map((folder) => [`npm, ${folder}`, npm(folder)]),
];

const count = { passed: 0, failed: 0, "not checked": 0 };
for (const [where, all] of checks) {
  for (const [what, check] of all) {
    const { state, said } = check();
    count[state] += 1;
    console.log(`${where.padEnd(24)} ${what.padEnd(27)} ${state}`);
    if (said) console.log(said.replace(/^/gm, "    "));
  }
}
console.log(`supply: ${Object.entries(count).map(([state, number]) => `${number} ${state}`).join(", ")}`);
if (count.failed > 0 || (strict && count["not checked"] > 0)) process.exitCode = 1;
