// Frames make a module of a snippet: `before` defines what the text around the snippet implies, and `after` checks the
// result. `declarations` are types of these definitions, for snippets in TypeScript. `given` is tests/docs/given.mjs.
import { join } from "node:path";

const webhook = `import { Webhook } from "walnut-webhooks"; const webhook = new Webhook(given.KEY);`;
const delivered = `given.equal(delivery.id, given.ID);`;
const app = `
  import express from "express";
  import { MemoryStore } from "walnut-webhooks";
  import { handler } from "walnut-webhooks/express";
  ${webhook}
  const app = express();
  const handled = [];
  const onDelivery = async (delivery) => void handled.push(delivery.id);
  const save = async (id) => void handled.push(id);`;

const appDeclarations = `
  declare const app: import("express").Express;
  declare const webhook: import("walnut-webhooks").Webhook;
  declare const handler: typeof import("walnut-webhooks/express").handler;
  declare const MemoryStore: typeof import("walnut-webhooks").MemoryStore;
  declare const onDelivery: (delivery: import("walnut-webhooks").Delivery) => Promise<void>;
  declare const save: (id: string, event: object, options: { signal: AbortSignal }) => Promise<void>;
`;

export const frames = {
  /** Creates `webhook`, and verifies a body. */
  construct: {
    before: `
      import { Webhook } from "walnut-webhooks";
      const [key, options] = [given.KEY, { maxBodyBytes: 1 << 20 }];
      const [rawBody, request] = [given.DEMO, { headers: given.signed(given.DEMO) }];`,
    after: delivered,
  },
  /** A `Request` has arrived. */
  request: {
    before: `${webhook}
      const request = new Request("https://a/webhook", { method: "POST", body: given.DEMO, headers: given.signed(given.DEMO) });`,
    after: delivered,
  },
  /** A request of Node.js arrives in pieces. */
  stream: {
    before: `${webhook}
      const pieces = [given.DEMO.subarray(0, 100), given.DEMO.subarray(100)];
      const request = Object.assign(given.Readable.from(pieces), { headers: given.signed(given.DEMO) });`,
    after: `given.equal(keyIndex, 0);`,
  },
  /** An event of AWS Lambda has arrived. */
  event: {
    before: `${webhook}
      const event = { body: given.DEMO.toString("base64"), isBase64Encoded: true, headers: given.signed(given.DEMO) };`,
    after: delivered,
  },
  /** A body was parsed and serialized again before it arrived. */
  explain: {
    before: `${webhook}
      const [rawBody, request] = [JSON.stringify(JSON.parse(given.PRETTY)), { headers: given.signed(given.PRETTY) }];`,
    after: `
      given.deepEqual([ok, code, cause], [false, "signature_mismatch", "body_reformatted"]);
      given.match(fix, /the bytes as received/);
      given.ok(difference.at > 0 && difference.received !== difference.signed);`,
  },
  refused: {
    before: `${webhook}
      const [rawBody, request] = [JSON.stringify(JSON.parse(given.PRETTY)), { headers: given.signed(given.PRETTY) }];
      const logged = given.recordConsole(console, "error");`,
    after: `given.match(logged.join(), /parsed and written again/);`,
  },
  /** An Express app, and a function that handles a delivery. */
  app: {
    declarations: appDeclarations,
    before: app,
    after: `
      given.deepEqual(await given.received(app), { genuine: 200, again: 200, forged: 401 });
      given.deepEqual(handled, [given.ID, given.ID]);`,
  },
  /** The same app, which saves the first request whose signature does not match. */
  saved: {
    declarations: appDeclarations,
    before: `${app}
      const logged = given.recordConsole(console, "error");
      process.chdir(given.folder());`,
    after: `
      const forge = (body) => given.sent(app, body, { ...given.signed(given.PRETTY), "X-Odd": "\\u00e9" });
      given.equal((await given.sent(app, given.DEMO, {})).status, 401);
      given.equal(existsSync(FILE), false);
      const parsed = JSON.stringify(JSON.parse(given.PRETTY));
      for (const body of [parsed, "another body"]) given.equal((await forge(body)).status, 401);
      given.equal(logged.length, 2);
      given.equal(logged[0].code, "missing_signature");
      given.match(logged[1], /The request is in rejected\\.http\\.$/);
      const { status, out } = given.explained(FILE);
      given.equal(status, 1, out);
      given.equal(JSON.parse(out).cause, "body_reformatted");
      const [head, saved] = given.read(FILE).split("\\r\\n\\r\\n");
      given.equal(saved, parsed);
      given.match(head, /^POST \\/webhook HTTP\\/1\\.1\\r\\nhost: 127.*\\r\\nx-odd: \\xe9\\r\\n/is);
      given.equal(given.mode(FILE), 0o600);`,
  },
  /** The same app, which has a function for each event. */
  handlers: {
    declarations: appDeclarations,
    before: `${app}
      const logged = given.recordConsole(console, "log");`,
    after: `
      given.deepEqual(await given.received(app), { genuine: 200, again: 200, forged: 401 });
      given.equal(logged.join(), "My Awesome Demo,My Awesome Demo");`,
  },
  /** The same app, which handles duplicates once. */
  once: {
    declarations: appDeclarations,
    before: app,
    after: `
      given.deepEqual(await given.received(app), { genuine: 200, again: 200, forged: 401 });
      given.deepEqual(handled, [given.ID]);`,
  },
  /** The same app, and a SQLite table. */
  database: {
    node: join(import.meta.dirname, "../node_modules/node24/bin/node"),
    before: `import { DatabaseSync } from "node:sqlite"; ${app}
      const database = new DatabaseSync(":memory:");
      database.exec("CREATE TABLE sessions (id TEXT PRIMARY KEY, event TEXT)");`,
    after: `
      given.deepEqual(await given.received(app), { genuine: 200, again: 200, forged: 401 });
      given.deepEqual(database.prepare("SELECT id FROM sessions").all().map(({ id }) => id), [given.ID]);`,
  },
  /** The environment has both keys. */
  keys: {
    declarations: `declare const Webhook: typeof import("walnut-webhooks").Webhook;`,
    before: `
      import { Webhook } from "walnut-webhooks";
      Object.assign(process.env, { WALNUT_WEBHOOK_KEY: "new", WALNUT_WEBHOOK_KEY_PREVIOUS: given.KEY });`,
    after: `
      const [before, after] = [given.sign(given.DEMO), webhook.sign(given.DEMO)].map((its) => webhook.verify(given.DEMO, its));
      given.deepEqual([before.keyIndex, after.keyIndex], [1, 0]);
      given.equal(before.id, after.id);
      given.equal(new Webhook([given.KEY, undefined].filter(Boolean)).verify(given.DEMO, given.signed(given.DEMO)).keyIndex, 0);`,
  },
  order: {
    before: `const logged = given.recordConsole(console, "log");`,
    after: `given.deepEqual(logged, [true, true]);`,
  },
  /** Walnut's sample, unchanged, and behind the body parser that it needs. */
  sample: {
    before: `
      import crypto from "node:crypto";
      import express from "express";
      process.env.WEBHOOK_KEY = given.KEY;
      const sample = (app) => {`,
    after: `
        return app;
      };
      const logged = given.recordConsole(console, "error");
      given.deepEqual(await given.received(sample(express())), { genuine: 500, again: 500, forged: 500 });
      given.match(logged.join(), /must be of type string/);

      const kept = express.json({ verify: (request, _, bytes) => (request.rawBody = bytes) });
      const app = () => sample(express().use(kept));
      given.deepEqual(await given.received(app()), { genuine: 200, again: 200, forged: 500 });
      given.match((await given.sent(app(), given.DEMO, { "x-walnut-signature": "0".repeat(64) })).text, /Signature invalid<br>.*at /);
      given.equal((await given.sent(app(), JSON.stringify({ event: "x".repeat(101 * 1024) }))).status, 413);
      given.match((await given.sent(app(), "{")).text, /SyntaxError/);
      delete process.env.WEBHOOK_KEY;
      given.deepEqual(await given.received(app()), { genuine: 500, again: 500, forged: 500 });
      given.equal("ab".toString("base16"), "ab");`,
  },
  /** AWS calls the function. */
  lambda: {
    after: `
      const logged = given.recordConsole(console, "log");
      const invoke = async (headers, isBase64Encoded) => (await handler({
        body: given.DEMO.toString(isBase64Encoded ? "base64" : "utf8"), headers, isBase64Encoded,
        rawPath: "/webhook", requestContext: { domainName: "id.lambda-url.eu-west-1.on.aws" },
      })).statusCode;
      given.deepEqual([await invoke(given.signed(given.DEMO), false), await invoke(given.signed(given.DEMO), true)], [200, 200]);
      given.equal(await invoke({ "x-walnut-signature": "0".repeat(64) }, true), 401);
      given.deepEqual(logged.slice(0, 2), ["demo_session_finished", given.ID]);`,
  },
  /** Google's framework calls the function. */
  function: {
    after: `
      import { getTestServer } from "@google-cloud/functions-framework/testing";
      const logged = given.recordConsole(console, "log");
      given.deepEqual(await given.served(getTestServer("webhook")), { genuine: 200, again: 200, forged: 401 });
      given.deepEqual(logged.slice(0, 2), ["demo_session_finished", given.ID]);`,
  },
};
