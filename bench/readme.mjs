// Writes the last whole run of bench/sdk.mjs into README.md, between <!-- bench --> and <!-- /bench -->.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NODE, OURS, SUBTLE, ZOD } from "./names.mjs";

const root = join(import.meta.dirname, "..");
const read = (path, otherwise) => {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch (cause) {
    throw new Error(`${path} can't be read: ${otherwise}`, { cause });
  }
};

const { machine, goals, verify, deliver, absolute } = JSON.parse(
  read("target/bench/sdk.json", "run make bench first, without ONLY, SIZES or ROUNDS"),
);

const row = (...cells) => `| ${cells.join(" | ")} |`;
const goalRows = goals.map(({ name, goal, measured, met }) => row(name, goal, measured, met ? "yes" : "no"));

const LENGTHS = [851, 1048576];
const ratios = (group, name) => LENGTHS.map((length) => group[name][length].ratio.toFixed(2));
const digits = (value) => (value < 100 ? value.toFixed(1) : value.toFixed(0));
const micros = (group) => LENGTHS.map((length) => `${digits(absolute[group][OURS][length])} µs`);
const shown = {
  verify: ["node:crypto ===", NODE, SUBTLE, "@octokit/webhooks-methods", "stripe", "standardwebhooks", "hash-wasm"],
  deliver: [ZOD, "stripe", "standardwebhooks", "svix"],
};
const peerRows = Object.entries({ verify, deliver }).flatMap(([name, group]) => [
  row(name === "verify" ? "**to verify**" : "**to verify and type**", ...micros(name)),
  ...shown[name].map((peer) => row(peer, ...ratios(group, peer))),
]);

const text = `
On ${machine.cpu}, ${machine.cores} cores, Node.js ${machine.node}; medians of interleaved rounds of one run.
Ratios are this package's time divided by the other's: below 1 is faster.

| | goal | measured | met |
|---|---|---|---|
${goalRows.join("\n")}

| this package, and its ratio to others | 851 B | 1 MiB |
|---|---|---|
${peerRows.join("\n")}

`;

const readme = read("README.md", "it belongs to the repository");
const marked = /(?<=<!-- bench -->\n).*(?=<!-- \/bench -->)/s;
if (!marked.test(readme)) throw new Error("README.md needs the line <!-- bench -->, and below it <!-- /bench -->");
writeFileSync(join(root, "README.md"), readme.replace(marked, () => text));
