// Compiled, never run, in projects that have neither the DOM's types nor Node's.
import { type Delivery, MemoryStore, type SeenStore, Webhook, WebhookError, type WebhookErrorCode } from "walnut-webhooks";
import { explain, type Explanation } from "walnut-webhooks/explain";

const webhook = new Webhook(["current", new Uint8Array([1])], { maxBodyBytes: 1024, maxAge: 60_000, skew: 0, now: () => 0 });
const delivery: Delivery = webhook.verify(new Uint8Array(), { "x-walnut-signature": "00" });
if (delivery.type === "playlist_session_finished") {
  const names: (string | null)[] = delivery.event.data.items.map((item) => item.name);
  // @ts-expect-error: this belongs to the other event
  delivery.event.data.demo_engagement.fab_clicks;
  void names;
}

const stream = webhook.stream();
stream.update("a piece");
const { keyIndex }: { keyIndex: number } = stream.finish({ get: (name: string) => name });
const code: WebhookErrorCode = new WebhookError("stale", "This is older than a day", 400).code;
const seen: SeenStore = new MemoryStore({ maxEntries: 10 });
// @ts-expect-error: a parsed body is not a raw body
webhook.verify({ event: "demo_session_finished" }, "");
// @ts-expect-error: there is no such option
new Webhook("key", { tolerance: 5 });
const { cause, difference }: Explanation = explain(webhook, new Uint8Array(), { get: (name: string) => name });
// @ts-expect-error: there is no such cause
cause === "bad_luck";
void [keyIndex, code, seen, difference, explain(["key"], "", null)];
