import { createRequire } from "node:module";
import * as imported from "walnut-webhooks";
import { explain } from "walnut-webhooks/explain";

const required = createRequire(import.meta.url)("walnut-webhooks");
if (imported.Webhook === required.Webhook) throw new Error("import and require load the same copy, so this program tests nothing");

for (const { Webhook } of [imported, required]) {
  try {
    new Webhook("");
  } catch (error) {
    console.log(error.code, error instanceof imported.WebhookError, error instanceof required.WebhookError);
  }
}

explain(new imported.Webhook("key"), "", "");
try {
  explain(new required.Webhook("key"), "", "");
} catch (error) {
  console.log(error.name, /Pass the key instead/.test(error.message));
}
