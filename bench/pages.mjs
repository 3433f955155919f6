// Writes the last whole runs into docs/benchmarks.md: the run of bench/sdk.mjs between <!-- bench --> and
// <!-- /bench -->, and the run of bench/edge.mjs, if there is one, between <!-- bench-edge --> and <!-- /bench-edge -->.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { edgeText } from "./edge/page.mjs";
import { NODE, OURS, SUBTLE, ZOD } from "./names.mjs";

const root = join(import.meta.dirname, "..");
const read = (path, otherwise) => {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch (cause) {
    throw new Error(`${path} can't be read: ${otherwise}`, { cause });
  }
};

const row = (...cells) => `| ${cells.join(" | ")} |`;

const { devDependencies } = JSON.parse(read("bench/package.json", "it belongs to the repository"));
const peers = Object.entries(devDependencies).map(([name, version]) => `${name} ${version}`).join(", ");

function sdkText({ machine, goals, verify, deliver, absolute }) {
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
  return `
On ${machine.cpu}, ${machine.cores} cores, Node.js ${machine.node}; medians of interleaved rounds of one run.
Ratios are this package's time divided by the other's: below 1 is faster. The others: ${peers}.

| | goal | measured | met |
|---|---|---|---|
${goalRows.join("\n")}

| this package, and its ratio to others | 851 B | 1 MiB |
|---|---|---|
${peerRows.join("\n")}

`;
}

/** Replaces the text between two marks. */
function between(page, mark, text) {
  const marked = new RegExp(`(?<=<!-- ${mark} -->\n).*(?=<!-- /${mark} -->)`, "s");
  if (!marked.test(page)) throw new Error(`docs/benchmarks.md needs the line <!-- ${mark} -->, and below it <!-- /${mark} -->`);
  return page.replace(marked, () => text);
}

const sdk = read("target/bench/sdk.json", "run make bench first, without ONLY, SIZES or ROUNDS");
let page = between(read("docs/benchmarks.md", "it belongs to the repository"), "bench", sdkText(JSON.parse(sdk)));
const edge = "target/bench/edge.json";
if (existsSync(join(root, edge))) page = between(page, "bench-edge", edgeText(JSON.parse(read(edge))));
else console.error(`There is no ${edge}, so the edge's tables stay as they are: make bench-edge writes it.`);
writeFileSync(join(root, "docs/benchmarks.md"), page);
