// Loaders that wrap every module, like tracing agents, copy each export once. The packed package must work with them.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "acorn";
import { install, run, tools } from "../loads/support.mjs";

const key = "the key of these tests";
const body = readFileSync(join(import.meta.dirname, "../vectors/bodies/demo.json"), "utf8");
const signature = createHmac("sha256", key).update(body).digest("hex");

const program = `
  import { Webhook } from "walnut-webhooks";
  import { explain } from "walnut-webhooks/explain";
  import { handler } from "walnut-webhooks/fetch";

  const [key, body, signature] = ${JSON.stringify([key, body, signature])};
  const webhook = new Webhook([key, "previous"]);
  const code = (call) => { try { call(); } catch (error) { return error.code ?? String(error); } };
  const stream = () => {
    const stream = webhook.stream();
    stream.update(body);
    return stream;
  };
  const receive = handler(webhook, () => {});
  const answer = async (signature) => {
    const headers = { "x-walnut-signature": signature };
    return (await receive(new Request("http://localhost/", { method: "POST", headers, body }))).status;
  };
  const forged = "0".repeat(64);
  const verify = () => { const { type, keyIndex, drift } = webhook.verify(body, signature); return [type, keyIndex, drift]; };
  console.log(JSON.stringify({
    // The second call uses the host's hash.
    verified: [verify(), verify()],
    forged: code(() => webhook.verify(body, forged)),
    malformed: code(() => webhook.verify(body, "no signature")),
    streamed: stream().finish(signature),
    forgedStream: code(() => stream().finish(forged)),
    signed: webhook.sign(body),
    notJson: code(() => webhook.verify("{", webhook.sign("{"))),
    invalidKey: code(() => new Webhook("")),
    explained: explain(webhook, body + "\\n", signature).cause,
    answers: [await answer(signature), await answer(forged)],
  }));
`;

const verified = ["demo_session_finished", 0, []];
const expected = {
  verified: [verified, verified],
  forged: "signature_mismatch",
  malformed: "malformed_signature",
  streamed: { keyIndex: 0 },
  forgedStream: "signature_mismatch",
  signed: signature,
  notJson: "not_json",
  invalidKey: "invalid_key",
  explained: "body_whitespace",
  answers: [200, 401],
};

let projects, installed;
before(async () => {
  ({ projects, installed } = await install("loaders"));
  writeFileSync(join(projects, "program.mjs"), program);
});

const registering = (hook) => `
  import { register } from "node:module";
  register(${JSON.stringify(pathToFileURL(join(tools, hook)).href)});
`;

const hooks = {
  "OpenTelemetry": "@opentelemetry/instrumentation/hook.mjs",
  "import-in-the-middle 1": "import-in-the-middle1/hook.mjs",
  "import-in-the-middle 2": "import-in-the-middle2/hook.mjs",
  "import-in-the-middle 3": "import-in-the-middle3/hook.mjs",
};

for (const [name, hook] of Object.entries(hooks)) {
  for (const major of [20, 22, 24, 26]) {
    const node = join(tools, `node${major}/bin/node`);
    test(`${name}, Node ${major}, --import: verifies, streams, signs and answers as without a loader`, async () => {
      const register = join(projects, `register-${name.replaceAll(/\W/g, "-")}.mjs`);
      writeFileSync(register, registering(hook));
      const output = await run(node, ["--import", pathToFileURL(register).href, "program.mjs"], projects);
      assert.deepEqual(JSON.parse(output), expected);
    });
    test(`${name}, Node ${major}, --experimental-loader: verifies, streams, signs and answers as without a loader`, async () => {
      const loader = pathToFileURL(join(tools, hook)).href;
      const output = await run(node, ["--experimental-loader", loader, "program.mjs"], projects);
      assert.deepEqual(JSON.parse(output), expected);
    });
  }
}

/** Calls `then` with each node of a syntax tree. */
function each(node, then) {
  if (typeof node?.type === "string") then(node);
  for (const child of Object.values(node ?? {})) if (typeof child === "object") each(child, then);
}

/** The names that a pattern on the left of an assignment assigns to. */
function targets(pattern) {
  const names = [];
  each(pattern, ({ type, name }) => type === "Identifier" && names.push(name));
  return names;
}

/** The exported names of a module's variables that it assigns to after their declaration. */
function reassignedExports(source) {
  const module = parse(source, { ecmaVersion: "latest", sourceType: "module" });
  const exported = new Map();
  for (const { type, declaration, source, specifiers } of module.body) {
    if (type !== "ExportNamedDeclaration" || source) continue;
    for (const { id } of declaration?.declarations ?? []) for (const name of targets(id)) exported.set(name, name);
    for (const { local, exported: name } of specifiers) exported.set(local.name, name.name ?? name.value);
  }
  const reassigned = new Set();
  const assign = (pattern) => targets(pattern).forEach((name) => exported.has(name) && reassigned.add(exported.get(name)));
  each(module, (node) => {
    if (node.type === "AssignmentExpression" && node.left.type !== "MemberExpression") assign(node.left);
    if (node.type === "UpdateExpression" && node.argument.type !== "MemberExpression") assign(node.argument);
    if (/^For(In|Of)Statement$/.test(node.type) && node.left.type !== "VariableDeclaration") assign(node.left);
  });
  return [...reassigned].sort();
}

test("finds reassigned exports in a module that has them", () => {
  const source = `
    export let a, b = 1;
    let c, d, unexported;
    export { c as "renamed", d };
    export const object = {}, constant = 1;
    [a, { c }] = [];
    unexported = b++;
    object.d = 1;
    for (d of []) ;`;
  assert.deepEqual(reassignedExports(source), ["a", "b", "d", "renamed"]);
});

test("exports no variable that is reassigned, from any module", () => {
  const modules = readdirSync(installed, { recursive: true }).filter((file) => /^(?!cjs).*\.js$/.test(file));
  assert.ok(modules.length >= 10, String(modules));
  for (const file of modules) {
    assert.deepEqual(reassignedExports(readFileSync(join(installed, file), "utf8")), [], file);
  }
});
