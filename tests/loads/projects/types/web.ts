// Compiled, never run: the entries that need the types of the web, as the DOM's library has them.
import { MemoryStore, Webhook } from "walnut-webhooks";
import { handler as onFetch } from "walnut-webhooks/fetch";
import { handler as onHono } from "walnut-webhooks/hono";
import { demoSession, signedHeaders, signedRequest } from "walnut-webhooks/testing";

const webhook = new Webhook("key");
const options = { bodyTimeout: 1000, handlerTimeout: 20_000, seen: new MemoryStore() };
const onDelivery = ({ id }: { id: string }) => id;
const response: Promise<Response> = onFetch(webhook, onDelivery, options)(new Request("https://a/"));
const other: Promise<Response> = onHono(webhook, onDelivery, options)({ req: { raw: new Request("https://a/") } });
// @ts-expect-error: there is no such option
onFetch(webhook, onDelivery, { onRefusal: () => {} });
const signed: Request = signedRequest(webhook, demoSession(), { url: new URL("https://a/") });
const headers: Headers = new Headers(signedHeaders("key", "{}"));
void [response, other, signed, headers];
