// Compiled, never run: the entries that need the types of Node.
import { createServer } from "node:http";
import { MemoryStore, Webhook } from "walnut-webhooks";
import { handler as onExpress, middleware } from "walnut-webhooks/express";
import { handler as onNode } from "walnut-webhooks/node";
import { playlistSession, sampleDelivery } from "walnut-webhooks/testing";

const webhook = new Webhook("key");
const options = { bodyTimeout: 1000, handlerTimeout: 20_000, seen: new MemoryStore() };
const receive = onExpress(webhook, ({ id }) => id satisfies string, options);
// @ts-expect-error: there is no such option
onExpress(webhook, () => {}, { onRefusal: () => {} });
createServer((request, response) => receive(request, response, () => response.end()));
createServer((request, response) => middleware(webhook)(request, response, () => response.end()));
createServer(onNode(webhook, (delivery, { request, signal }) => [delivery.id, request.url satisfies string | undefined, signal.aborted], options));
const items: number = sampleDelivery(playlistSession({}, { seed: 7, at: new Date(0) })).event.data.items.length;
void items;
