// Files that are generated from the contract, or repeat a part of it, match src/event.rs and src/error.rs.
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { contract, fields, schemas, types, withTables } from "../../tools/contract.mjs";
import { read, root } from "./markdown.mjs";

const declared = contract();
const matches = (text, pattern) => Array.from(text.matchAll(pattern), ([, ...found]) => found);

test("docs/errors.md has the declared error codes: make contract rewrites its tables", () => {
  const page = read("docs/errors.md");
  equal(page, withTables(page, declared));
  const tables = matches(page, /<!-- codes: (\w+) -->/g).flat();
  deepEqual(tables, [...new Set(declared.codes.map(({ place }) => place))]);
});

test("docs/events.md has every field of the declared events: make contract rewrites its tables", () => {
  const page = read("docs/events.md");
  equal(page, withTables(page, declared));
  deepEqual(matches(page, /<!-- event: (\w+) -->/g).flat(), declared.events.map(({ name }) => name));
});

test("the built types, schemas and form fields match the declarations: make pkg rebuilds them", () => {
  equal(read("target/pkg-src/contract.ts"), types(declared));
  equal(read("target/contract/fields.ts"), fields(declared));
  const built = readdirSync(join(root, "pkg/schemas")).map((file) => [file.replace(".json", ""), read(`pkg/schemas/${file}`)]);
  deepEqual(Object.fromEntries(built), schemas(declared));
});

test("every error of the SDK has a declared code and its status", () => {
  const statuses = new Map(declared.codes.filter(({ place }) => place !== "edge").map(({ code, status }) => [code, status]));
  const thrown = readdirSync(join(root, "pkg-templates/sdk")).flatMap((file) =>
    matches(read(`pkg-templates/sdk/${file}`), /new (?:Webhook|Input)Error\(\s*"(\w+)",[^;]*?,\s*(\d{3})\b/g));
  ok(thrown.length >= 7, `${thrown.length} errors`);
  for (const [code, status] of thrown) equal(Number(status), statuses.get(code), code);
});

test("the Worker has exactly the declared error codes of the edge", () => {
  const codes = declared.codes.filter(({ place }) => place === "edge").map(({ code }) => code);
  deepEqual(matches(read("worker/src/failure.rs"), /=> "([a-z_]+)",/g).flat().sort(), codes.sort());
});
