// Checks that the core has no panic that can be reached: `make panic-free`.
//
// What is looked at is the module that is shipped, byte for byte, with the names of its functions added. A panic
// of Rust's ends in a function that never returns. So every place in that module is found that can end a call
// early: a call of such a function, an `unreachable`, a division by what is not a constant, a conversion that may
// not fit. Each must be listed in tests/panic-free.json with the reason why it is left, by function: what was
// inlined counts to the function that it was inlined into. A place that is not listed fails the check, and so does
// one that is listed and is not there.
//
// It does not see a stack that overflows (the depth of what is read is limited, and tested), nor an access outside
// of memory, which safe Rust has none of.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withoutNames } from "./wasm-sections.mjs";

const root = join(import.meta.dirname, "..");
const path = (...parts) => join(root, ...parts);

const named = path("target/pkg-src/core.wasm");
if (!withoutNames(readFileSync(named)).equals(readFileSync(path("pkg/core.wasm")))) {
  throw new Error("what has names is not what is shipped: remove pkg/, and make pkg");
}

/** Runs, and hands back what it prints. */
const output = (program, ...args) => execFileSync(program, args, { maxBuffer: 1 << 30 }).toString();

// Dead code goes first: behind a loop that is left by a return, the format wants an `unreachable`.
const text = output(path("node_modules/.bin/wasm-opt"), named, "--all-features", "--dce", "--print");

/** The module as lists in lists: `(call $f (i32.const 1))` becomes `["call", "$f", ["i32.const", "1"]]`. */
function parse(text) {
  const stack = [[]];
  for (const [token] of text.matchAll(/;;.*|\$?"(?:\\.|[^"\\])*"|[()]|[^\s()"]+/g)) {
    if (token === "(") stack.push([]);
    else if (token === ")") stack.at(-2).push(stack.pop());
    else if (!token.startsWith(";;")) stack.at(-1).push(token);
  }
  return stack[0][0];
}

const module = parse(text);
const of = (list, kind) => list.filter(([name]) => name === kind);
const functions = new Map(of(module, "func").map((item) => [item[1], item]));
const exported = of(module, "export").map(([, , [, name]]) => name);
const inTables = of(module, "elem").flat().filter((name) => functions.has(name));
const typeOf = (item) => of(item, "type")[0][1];

/** Calls `then` with each instruction in a list, and with the one before it. */
function each(list, then) {
  list.forEach((item, index) => {
    if (!Array.isArray(item)) return;
    then(item, list[index - 1]);
    each(item, then);
  });
}

function contains(list, kind) {
  let found = false;
  each(list, ([name]) => (found ||= name === kind));
  return found;
}

// With dead code gone, an `unreachable` at the end is one that everything comes to that does not return before.
const endless = new Set();
for (const [name, item] of functions) {
  if (item.at(-1)[0] === "unreachable" && !contains(item, "return")) endless.add(name);
}

// The compiler knows of the functions that never return, too: an `unreachable` follows each call of one.
const callsEndless = (item) => item?.[0] === "call" && endless.has(item[1]);

const number = (item) => (/^i(32|64)\.const$/.test(item[0]) ? BigInt(item[1]) : 0n);

/** What can end a call early, in words: undefined for most instructions. */
function ending(item, before) {
  const [name] = item;
  if (callsEndless(item)) return plain(item[1]);
  if (name === "unreachable" && !callsEndless(before)) return "unreachable";
  // The remainder by -1 is 0, but the quotient may not fit.
  if (/^i(32|64)\.(div|rem)_/.test(name) && (number(item[2]) === 0n || (/div_s/.test(name) && number(item[2]) === -1n))) return name;
  if (/^i(32|64)\.trunc_f/.test(name)) return name;
  return undefined;
}

/** The name of a function without what changes from build to build. */
function plain(name) {
  return name.replace(/^\$"?|"$/g, "").replace(/\[[0-9a-f]{16}\]/g, "").replace(/::h[0-9a-f]{16}$/, "");
}

/** All that ends in a function, of which the standard library's `split_at` is one: it is up to its caller. */
const endsIn = (name) => {
  const ends = [];
  each(functions.get(name), (item, before) => ends.push(ending(item, before)));
  return ends.filter((end) => end !== undefined);
};
const MEMORY = "alloc::raw_vec::handle_error";
const upToCallers = new Set(
  [...functions.keys()].filter((name) => /^<?(core|alloc|std)::/.test(plain(name)) && !endless.has(name) && endsIn(name).some((end) => end !== MEMORY)),
);

// From the exports on, by every call that could be, but not into what never returns: that it is called is enough.
const sites = {};
const reached = new Set();
const queue = exported.filter((name) => functions.has(name));
while (queue.length > 0) {
  const name = queue.pop();
  if (reached.has(name) || !functions.has(name)) continue;
  reached.add(name);
  const ends = endsIn(name);
  each(functions.get(name), (item) => {
    if (item[0] === "call" && upToCallers.has(item[1])) ends.push(plain(item[1]));
    if (item[0] === "call" && !endless.has(item[1])) queue.push(item[1]);
    if (item[0] === "call_indirect") {
      queue.push(...inTables.filter((other) => typeOf(functions.get(other)) === typeOf(item)));
    }
  });
  for (const end of ends) {
    sites[plain(name)] ??= {};
    sites[plain(name)][end] = (sites[plain(name)][end] ?? 0) + 1;
  }
}

const list = JSON.parse(readFileSync(path("tests/panic-free.json"), "utf8"));
const mistakes = [];
const rows = [];
for (const name of new Set([...list.sites.map((site) => site.function), ...Object.keys(sites)])) {
  const listed = list.sites.find((site) => site.function === name);
  for (const end of new Set(Object.keys({ ...listed?.ends, ...sites[name] }))) {
    const [found, expected] = [sites[name]?.[end] ?? 0, listed?.ends[end] ?? 0];
    rows.push([name, end, String(found), listed?.why ?? "-"]);
    if (found !== expected) mistakes.push(`${name} ends in ${end} at ${found} places, and ${expected} are listed`);
  }
  if (listed && !list.reasons[listed.why]) mistakes.push(`${name} is listed without a reason`);
}

const heads = ["function", "ends in", "places", "why"];
const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
for (const row of [heads, ...rows]) console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  ").trimEnd());
console.log(`\nOf ${reached.size} functions that can be reached, ${Object.keys(sites).length} can end a call early:`);
for (const [why, reason] of Object.entries(list.reasons)) console.log(`  ${why}: ${reason}`);

if (mistakes.length > 0) {
  const rustc = output("rustc", "--version").split(" ")[1];
  if (rustc !== list.rustc) mistakes.push(`The list is of Rust ${list.rustc}; this is ${rustc}, which may inline other functions.`);
  console.error(`\n${mistakes.join("\n")}`);
  process.exitCode = 1;
}
