// The JSON Schemas accept exactly the bodies that the package gives a documented type.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import Ajv from "ajv/dist/2020.js";
import { read } from "../runtimes/conformance.mjs";
import { vectors } from "../runtimes/vectors.mjs";

const require = createRequire(import.meta.url);
const names = ["demo_session_finished", "playlist_session_finished"];
const schemas = new Map(names.map((name) => [name, require(`walnut-webhooks/schemas/${name}.json`)]));
// A number beyond a double, such as 1e999, is infinite in JavaScript, but still a number.
const ajv = new Ajv({ strict: true, strictNumbers: false, allErrors: true, allowUnionTypes: true });
const validators = new Map(Array.from(schemas, ([name, schema]) => [name, ajv.compile(schema)]));

/** The genuine vectors that are JSON, each with the type of its delivery. */
const genuine = read(vectors).filter(({ expect }) => expect.type !== undefined).map(({ name, body, expect }) => ({
  name,
  type: expect.type,
  event: JSON.parse(new TextDecoder().decode(body)),
}));

test("there is one schema for each documented event", () => {
  const folder = new URL("../../pkg/schemas/", import.meta.url);
  assert.deepEqual(readdirSync(folder).sort(), names.map((name) => `${name}.json`));
  for (const [name, schema] of schemas) {
    assert.equal(schema.properties.event.const, name);
    assert.ok(schema.title && schema.description, name);
  }
});

test("a schema accepts every vector of its event's type, and no other", () => {
  const seen = { demo_session_finished: 0, playlist_session_finished: 0, unknown: 0 };
  for (const { name, type, event } of genuine) {
    const valid = names.filter((schema) => validators.get(schema)(event));
    assert.deepEqual(valid, type === "unknown" ? [] : [type], name);
    seen[type]++;
  }
  for (const [type, times] of Object.entries(seen)) assert.ok(times >= 10, `${times} vectors of type ${type}`);
});

test("a schema accepts the sample on Walnut's help page", () => {
  const sample = JSON.parse(readFileSync(new URL("../vectors/bodies/demo-as-documented.json", import.meta.url), "utf8"));
  assert.ok(validators.get("demo_session_finished")(sample));
});
