// Compiled, never run: code that the compiler must accept, and code that it must reject.
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import express from "express";
import fastify from "fastify";
import { type Context as HonoContextOf, Hono } from "hono";
import { isWebhookError, MemoryStore, Webhook } from "walnut-webhooks";
import type {
  Delivery, DemoDelivery, PlaylistDelivery, PlaylistItem, SeenStore, UnknownDelivery, WebhookError, WebhookErrorCode,
} from "walnut-webhooks";
import { type Difference, explain, type Explanation, type ExplanationCause } from "walnut-webhooks/explain";
import { type DeliveryContext, handler as onExpress, middleware } from "walnut-webhooks/express";
import { plugin } from "walnut-webhooks/fastify";
import { handler as onFetch } from "walnut-webhooks/fetch";
import { handler as onHono, type HonoDeliveryContext } from "walnut-webhooks/hono";
import { handler as onNode } from "walnut-webhooks/node";
import { demoSession, playlistSession, random, sampleDelivery, signedHeaders, signedRequest, testEvent } from "walnut-webhooks/testing";

const webhook = new Webhook(["current", new Uint8Array([1])], { maxBodyBytes: 1024, maxAge: 60_000 });
const delivery: Delivery = webhook.verify(new Uint8Array(), new Headers());

switch (delivery.type) {
  case "demo_session_finished": {
    const clicks: number = delivery.event.data.demo_engagement.fab_clicks;
    const email: string | null | undefined = delivery.event.data.user.email;
    const added: unknown = delivery.event.data.demo["added_since"];
    // @ts-expect-error: may be null
    const guide: string = delivery.event.data.demo_engagement.last_guide_shown;
    // @ts-expect-error: this belongs to the other event
    const items: unknown[] = delivery.event.data.items;
    void [clicks, email, added, guide, items];
    break;
  }
  case "playlist_session_finished": {
    const items: PlaylistItem[] = delivery.event.data.items;
    const names: (string | null)[] = items.map((item) => item.name);
    const durations: number[] = items.map((item) => item.duration_secs ?? 0);
    // @ts-expect-error: may be absent
    const demos: (string | null)[] = items.map((item) => item.demo_id);
    const added: unknown[] = items.map((item) => item["added_since"]);
    // @ts-expect-error: any string of a playlist may be null
    const session: string = delivery.event.data.session_id;
    void [names, durations, demos, added, session];
    break;
  }
  case "unknown": {
    const data: unknown = delivery.event["data"];
    // @ts-expect-error: its fields are unknown
    delivery.event.data.demo;
    void data;
    break;
  }
  default: {
    const never: never = delivery;
    void never;
  }
}

const name: string | null = delivery.name;
const drift: "added" | "missing" | "type" | undefined = delivery.drift[0]?.kind;
const code: WebhookErrorCode = "signature_mismatch";
const { keyIndex }: { keyIndex: number } = webhook.verifySignature("", undefined);
const stream = webhook.stream();
stream.update(new ArrayBuffer(1));
stream.finish({ "x-walnut-signature": "00" });
const explained: Explanation = explain(webhook, "", {});
const { ok, problem, fix }: { ok: boolean; problem: string; fix: string } = explain("key", "", {});
const difference: { at: number; received: string; signed: string } | null = explain(["key", new Uint8Array()], "", {}).difference;
const cause: ExplanationCause = explained.cause === "key_whitespace" ? "body_not_raw" : explained.cause;
// @ts-expect-error: there is none if the body is the signed one
const place: Difference = explained.difference;
// @ts-expect-error: there is none if the signature is right
const always: WebhookErrorCode = explained.code;
explain(process.env["WALNUT_WEBHOOK_KEY"], "", {});
void [name, drift, code, keyIndex, ok, problem, fix, difference, cause, place, always];

// @ts-expect-error: a parsed body is not a raw body
webhook.verify({ event: "demo_session_finished" }, "");
// The value of an environment variable: `undefined` throws `invalid_key`.
new Webhook(process.env["WALNUT_WEBHOOK_KEY"]);
new Webhook([process.env["WALNUT_WEBHOOK_KEY"], process.env["WALNUT_WEBHOOK_KEY_PREVIOUS"]].filter(Boolean));
// `undefined` is "not set" in every option.
new Webhook("key", { maxBodyBytes: undefined, maxAge: undefined, requireTimestamp: undefined, skew: undefined, now: undefined });
new MemoryStore({ maxEntries: undefined, maxAge: undefined, now: undefined });
// @ts-expect-error: it is true or false
new Webhook("key", { requireTimestamp: "yes" });
// Headers of message queues, and of servers that list each value.
webhook.verify("", { "x-walnut-signature": new Uint8Array() });
webhook.verify("", { "x-walnut-signature": ["00"] });
// @ts-expect-error: there is no such option
new Webhook("key", { tolerance: 5 });
// @ts-expect-error: a delivery is not changed
delivery.id = "another";
// @ts-expect-error: there is no such code
const misspelt: WebhookErrorCode = "signature_missmatch";
void misspelt;

// Any object with these methods is a store, synchronous or not.
const store: SeenStore = {
  begin: async (id: string, leaseMs: number) => (id.length > leaseMs ? "new" : "busy"),
  done: (id) => void id,
  release: async () => "OK",
};
const seen: SeenStore = new MemoryStore({ maxEntries: 10, maxAge: 1000, now: () => 0 });
// @ts-expect-error: there is no such state
const wrong: SeenStore = { ...store, begin: () => "old" };
// @ts-expect-error: each method is required
const partial: SeenStore = { begin: store.begin, done: store.done };
// @ts-expect-error: there is no such option
new MemoryStore({ ttl: 5 });
void [wrong, partial];

const app = express();
const options = { bodyTimeout: 1000, handlerTimeout: 20_000, seen: store };
app.post("/a", onExpress(webhook, async ({ id }) => void id));
app.post("/b", onExpress(webhook, ({ id }, { request, signal }: DeliveryContext<express.Request>) => {
  const path: string = request.path;
  const aborted: boolean = signal.aborted;
  return [id, path, aborted];
}, { ...options, onReject: ({ code }, { request: { path } }) => [code satisfies WebhookErrorCode, path satisfies string] }));
const reporting = { bodyTimeout: 1, onReject: (error: WebhookError) => error.code satisfies WebhookErrorCode };
app.post("/c", middleware(webhook, reporting), (request) => {
  const left: Delivery | undefined = request.delivery;
  void left;
});
// @ts-expect-error: the middleware handles no delivery, so it has no store
middleware(webhook, { seen });
// @ts-expect-error: the middleware has no deadline for the handlers after it
middleware(webhook, { handlerTimeout: 1000 });
// @ts-expect-error: the request is in the context
onExpress(webhook, (delivery, request: express.Request) => [delivery, request]);
// @ts-expect-error: there is no such option
onExpress(webhook, () => {}, { timeout: 5 });

createServer(onNode(webhook, (delivery, { request, signal }) => {
  const headers: IncomingHttpHeaders = request.headers;
  return [delivery.id, headers, signal.reason];
}, { ...options, path: "/webhook", onReject: (error, { request }) => [error.status, request.url satisfies string | undefined] }));
createServer(onNode(webhook, () => {})) satisfies Server;
onNode(webhook, () => {}) satisfies (...args: never[]) => Promise<void>;
// @ts-expect-error: a Request of the web is not a request of Node
onNode(webhook, () => {})(new Request("http://a"), undefined);

const answer: Promise<Response> = onFetch(webhook, (delivery, { request, signal }) => {
  const url: string = request.url;
  return [delivery.id, url, signal];
}, options)(new Request("http://a"));
class OwnRequest extends Request {
  readonly own = 1;
}
const own = onFetch(webhook, (_, { request }: DeliveryContext<OwnRequest>) => request.own);
own satisfies (request: OwnRequest) => Promise<Response>;
// @ts-expect-error: the answer has to be awaited
const response: Response = onFetch(webhook, () => {})(new Request("http://a"));
void [answer, response];

// An object with a function for each event: each gets its own delivery.
onFetch(webhook, {
  demo_session_finished(delivery, { signal }) {
    delivery satisfies DemoDelivery;
    return [delivery.event.data.demo.name satisfies string, signal.aborted];
  },
  playlist_session_finished: async (delivery) => delivery satisfies PlaylistDelivery,
  otherwise: ({ name, type }) => [name satisfies string | null, type satisfies Delivery["type"]],
}, { onUnhandled: (delivery, { request }) => [delivery.name, request.url] });
onExpress(webhook, { demo_session_finished: undefined, otherwise: () => {} }, { onUnhandled: undefined, onReject: undefined, seen: undefined });
// @ts-expect-error: there is no such event
onExpress(webhook, { demo_sesion_finished() {} });
// @ts-expect-error: a demo has no items
onNode(webhook, { demo_session_finished: ({ event }) => event.data.items.length });
onNode(webhook, () => {}, {
  onReject: async (error, { request, body, explain }) => {
    const { cause }: { cause: ExplanationCause } = await explain();
    return [error.code, request.url, body.byteLength, cause];
  },
});
const unknown: Extract<Delivery, { type: "unknown" }> = {} as UnknownDelivery;
try {
  webhook.verify("", "");
} catch (error) {
  if (isWebhookError(error)) error satisfies WebhookError;
  // @ts-expect-error: it may be any other value
  error.code;
}
void unknown;

const hono = new Hono<{ Variables: { tenant: string } }>();
type Context = HonoContextOf<{ Variables: { tenant: string } }>;
hono.post("/a", onHono(webhook, ({ id }, { request, signal }) => [id, request.url satisfies string, signal]));
hono.post("/b", onHono(webhook, (_, { context }: HonoDeliveryContext<Context>) => {
  const tenant: string = context.get("tenant");
  return tenant;
}, options));
// @ts-expect-error: a request is not a context
onHono(webhook, () => {})(new Request("http://a"));

const plain = fastify();
plain.register(plugin(webhook, (delivery, { request, signal }) => {
  const ip: string = request.ip;
  return [delivery.id, ip, signal];
}, { url: "/webhook", ...options, onReject: (error, { request }) => [error.code, request.ip] }));
plain.register(plugin(webhook, () => {}), { prefix: "/hooks" });
fastify({ logger: true }).register(plugin(webhook, () => {}));
fastify({ http2: true }).register(plugin(webhook, () => {}));
// @ts-expect-error: a path is text
plugin(webhook, () => {}, { url: 1 });

const event = demoSession({ is_test: true, data: { user: { email: null }, session_id: undefined } }, { seed: 7, at: new Date() });
event.data.added = [1];
demoSession({ ...JSON.parse("{}") });
// @ts-expect-error: there is no such field
demoSession({ data: { user: { emial: "ada@example.com" } } });
// @ts-expect-error: the field is in data.user
demoSession({ email: "ada@example.com" });
// @ts-expect-error: there is no such field
playlistSession({ data: { items: [{ visted: false }] } });
// @ts-expect-error: a time is text
demoSession({ timestamp: new Date() });
demoSession(undefined, { seed: undefined, at: undefined });
// @ts-expect-error: another type than the documented one
demoSession({ data: { demo: { name: 5 } } });
// @ts-expect-error: another event
demoSession({ event: "playlist_session_finished" });
// @ts-expect-error: there is no such option
testEvent({}, { sead: 7 });
playlistSession({ data: { items: [{ visited: false }, {}] } });
// @ts-expect-error: another type than the documented one
playlistSession({ data: { items: [{ visited: "no" }] } });
const clicks: number = sampleDelivery(event).event.data.demo_engagement.fab_clicks;
const changed: Delivery = sampleDelivery({ ...event, event: "another" });
const request: Request = signedRequest(webhook, event, { url: new URL("https://example.com/") });
const requestHeaders: Headers = new Headers(signedHeaders(["current", "previous"], new Uint8Array()));
// @ts-expect-error: the body is text or bytes
signedHeaders("key", event);
const drawn: number = random(7)();
void [clicks, changed, request, requestHeaders, drawn];
