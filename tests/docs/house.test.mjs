// The pages are right about the repository: its folders, links, make targets, variables and commands.
import { deepEqual, equal, ok } from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { contract } from "../../tools/contract.mjs";
import { anchors, folders, pages, parse, quoted, read, root, rows, section } from "./markdown.mjs";

const reference = read("docs/reference.md");
const configuration = read("docs/edge/configure.md");
const sorted = (words) => [...new Set(words)].sort();
/** The quoted words in the first column of a text's tables. */
const first = (text) => sorted(rows(text).flatMap(([cell]) => quoted(cell)));
const matches = (text, pattern) => Array.from(text.matchAll(pattern), ([, found]) => found);

/** The variables of the edge in their table. */
const variables = rows(configuration).flatMap(([cell]) => quoted(cell)).filter((word) => /^[A-Z_]+$/.test(word));

/** The names of all commands, such as `send` and `edge start`. */
const [declared] = matches(read("pkg-templates/cli/program.ts"), /^const commands: [^=]+ = \{([^}]+)\};/gm);
const commands = [...matches(declared, /"([a-z ]+)":/g), ...matches(declared.replace(/.*:.*/g, ""), /(\w+)/g)];

const described = rows(section(read("CONTRIBUTING.md"), "## Folders"));

test("the table of folders has every folder, and no other", () => {
  const listed = described.flatMap(([cell]) => quoted(cell));
  deepEqual(sorted(listed.filter((path) => !/\/./.test(path))), sorted(folders().map((name) => `${name}/`)));
  for (const path of listed) ok(existsSync(join(root, path)), `${path} is listed, but does not exist`);
});

test("the table of folders has every folder of the tests, and no other", () => {
  const [, others] = described.find(([cell]) => cell === "`tests/`");
  deepEqual(sorted(["vectors", ...quoted(others)]), sorted(folders("tests")));
});

for (const page of pages) {
  test(`${page}: the target of every link exists`, () => {
    for (const target of matches(parse(read(page)).prose, /\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [path, anchor] = target.split("#");
      const to = path === "" ? page : normalize(join(dirname(page), path));
      ok(existsSync(join(root, to)), `${target} does not exist`);
      if (anchor !== undefined) ok(anchors(read(to)).includes(anchor), `${to} has no heading for #${anchor}`);
    }
  });

  test(`${page}: every make target exists`, () => {
    const { prose, blocks } = parse(read(page));
    const code = [...quoted(prose), ...blocks.filter(({ language }) => language === "sh").map((block) => block.code)];
    const [targets] = matches(read("Makefile"), /^\.PHONY: (.+)$/gm);
    for (const target of code.flatMap((text) => matches(text, /^make ([a-z-]+)/gm))) {
      ok(targets.split(" ").includes(target), `make ${target} does not exist`);
    }
  });

  test(`${page}: every command in a sentence exists`, () => {
    for (const code of quoted(parse(read(page)).prose)) {
      for (const name of matches(code, /^(?:npx )?walnut-webhooks ((?:edge )?[a-z]+)/g)) ok(name === "edge" || commands.includes(name), code);
      for (const name of matches(code, /^npx wrangler secret put (\w+)/g)) ok(name === "NAME" || variables.includes(name), code);
    }
  });

  test(`${page}: every file that a sentence names exists`, () => {
    // On this page, src/ is the folder of the reader.
    const ours = folders().filter((name) => page !== "docs/frameworks.md" || name !== "src");
    const named = quoted(parse(read(page)).prose).filter((path) => new RegExp(`^(${ours.join("|")})/[\\w./-]*$`).test(path));
    for (const path of named) {
      // NAME is a placeholder, and build output does not always exist.
      if (!/NAME|\/build/.test(path)) ok(existsSync(join(root, path)), `${path} does not exist`);
    }
  });
}

test("every example is run by the tests", () => {
  const tests = ["examples", "cli"].flatMap((suite) =>
    readdirSync(join(root, "tests", suite)).filter((name) => name.endsWith(".test.mjs")).map((name) => read(`tests/${suite}/${name}`)),
  ).join("\n");
  for (const name of folders("examples")) {
    // The name of the example is a part of a path or a key, and not the beginning of the name of a module.
    ok(new RegExp(`["/ ]${name}("|/|: )`).test(tests), `no test runs examples/${name}`);
  }
});

test("every cause of an explanation has a row, and every row has a cause", () => {
  const listed = first(section(reference, "## When a signature fails")).filter((word) => word !== "code");
  const { causes, codes } = contract();
  // A cause that equals the code of an error has no row, because docs/errors.md has a row for the error.
  const errors = codes.map(({ code }) => code).filter((code) => code !== "missing_signature");
  deepEqual(listed, sorted(causes.filter((cause) => !errors.includes(cause))));
});

test("every variable of the edge has a row, and every row has a variable", () => {
  const [list] = matches(read("worker/src/config/names.rs"), /const VARIABLES: [^=]+ = \[([^\]]+)\];/g);
  deepEqual(sorted(variables), sorted(matches(list, /"([A-Z_]+)"/g)));
});

test("the limits and defaults of the edge match its source", () => {
  const source = ["config", "config/reader"].map((name) => read(`worker/src/${name}.rs`)).join("\n");
  const DAY_MS = 86_400_000;
  const number = (name) => {
    const [text] = matches(source, new RegExp(`const ${name}: (?:u\\d\\d|usize) = (.+);`, "g"));
    const [, left, operator, right] = /^(\S+)(?: (<<|\*) (\S+))?$/.exec(text.replaceAll("_", ""));
    if (operator === "<<") return Number(left) << Number(right);
    return operator === "*" ? Number(left) * DAY_MS : Number(left);
  };
  const range = (name) => {
    const [limits] = matches(source, new RegExp(`const ${name}: Range = Range \\{ least: "(.+", most: ".+)", example: `, "g"));
    return limits.split('", most: "');
  };
  const row = (variable) => rows(configuration).find(([cell]) => cell === `\`${variable}\``);
  const is = (variable, defaults, ...limits) => {
    const [, stated, meaning] = row(variable);
    equal(stated.replaceAll("`", ""), defaults, variable);
    for (const limit of limits) ok(new RegExp(`(^|[ \`])${limit}([ \`,:;]|$)`).test(meaning), `${variable}: ${limit}`);
  };
  is("MAX_BODY_BYTES", String(number("DEFAULT_BODY_BYTES")), 1, number("MOST_BODY_BYTES"));
  is("ORIGIN_TIMEOUT", `${number("DEFAULT_TIMEOUT_MS") / 1000}s`, ...range("TIMEOUTS"));
  is("SHARDS", "1", 1, number("MOST_SHARDS"));
  is("MAX_ATTEMPTS", String(number("DEFAULT_ATTEMPTS")), 1, number("MOST_ATTEMPTS"));
  is("MAX_EVENT_AGE", `${number("DEFAULT_EVENT_AGE_MS") / 3_600_000}h`, ...range("EVENT_AGES"));
  is("MAX_DELIVERY_AGE", `${number("DEFAULT_DELIVERY_AGE_MS") / DAY_MS}d`, ...range("DELIVERY_AGES"));
  is("RETENTION", `${number("DEFAULT_RETENTION_MS") / DAY_MS}d`, ...range("RETENTIONS"));
  is("ALERT_SILENCE", "", ...range("SILENCES"));
  is("ADMIN_TOKEN", "", number("LEAST_TOKEN_BYTES"), number("MOST_TOKEN_BYTES"));
  is("WALNUT_WEBHOOK_KEY_PREVIOUS_UNTIL", "", number("MOST_OVERLAP_DAYS"));
});

test("every event of the edge's log has a row, and every row has an event", () => {
  const listed = first(section(read("docs/edge/operate.md"), "## The log")).filter((word) => word !== "event");
  const log = read("worker/src/log.rs");
  const [stored] = matches(read("worker/src/protocol/arrival.rs"), /\nimpl Stored \{([^]+?)\n\}/g);
  const events = new Set([
    ...matches(log, /\("event", "(\w+)"/g),
    ...matches(log, /\(Level::\w+, "(\w+)"\)/g),
    ...matches(stored, /=> "(\w+)"/g),
    ...matches(read("worker/index.js"), /event: "(\w+)"/g),
  ]);
  deepEqual(listed, sorted([...events]));
});

test("every command has a row, and every row has a command", () => {
  const [table] = read("docs/cli.md").split("\n## ");
  deepEqual(sorted(rows(table).map(([cell]) => /^((?:edge )?[a-z]+)/.exec(quoted(cell)[0])?.[1])), sorted(commands));
});

test("every entry of the package is in the reference, and every adapter has a row", () => {
  const { exports } = JSON.parse(read("pkg-templates/sdk/package.json"));
  const entries = Object.keys(exports).filter((path) => !path.endsWith(".json")).map((path) => path.slice(2) || "index");
  const { typedocOptions } = JSON.parse(read("docs/tsconfig.json"));
  deepEqual(sorted(typedocOptions.entryPoints.map((path) => path.replace(/^.*\/|\.ts$/g, ""))), sorted(entries));
  const adapters = first(section(reference, "## Adapters")).filter((word) => word.startsWith("/"));
  deepEqual(adapters, sorted(entries.filter((name) => !["index", "explain", "testing"].includes(name)).map((name) => `/${name}`)));
});

test("the README links to every page of the documentation", () => {
  const listed = matches(section(read("README.md"), "## Documentation"), /\]\((docs\/[a-z/-]+\.md)\)/g);
  deepEqual(sorted(listed), sorted(pages.filter((page) => page.startsWith("docs/"))));
});

test("the README has at most 180 lines, and the command that installs the package in its first 12", () => {
  const lines = read("README.md").trimEnd().split("\n");
  ok(lines.length <= 180, `${lines.length} lines`);
  ok(lines.slice(0, 12).includes("npm install walnut-webhooks"));
});
