// Compiled, never run: an entry that takes what Node's own http gives.
import { createServer } from "node:http";
import { Webhook } from "walnut-webhooks";
import { handler } from "walnut-webhooks/express";

const webhook = new Webhook("key");
const receive = handler(webhook, ({ id }) => id satisfies string);
// @ts-expect-error: there is no such option
handler(webhook, () => {}, { onRefusal: () => {} });
createServer((request, response) => receive(request, response, () => response.end()));
