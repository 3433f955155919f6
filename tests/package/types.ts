// Compiled, never run: what the compiler must accept, and what it must refuse.
import express from "express";
import { type Delivery, Webhook, type WebhookErrorCode } from "walnut-webhooks";
import { handler, middleware } from "walnut-webhooks/express";

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
    const names: (string | null)[] = delivery.event.data.items.map((item) => item.name);
    // @ts-expect-error: any string of a playlist may be null
    const session: string = delivery.event.data.session_id;
    void [names, session];
    break;
  }
  case "unknown": {
    const data: unknown = delivery.event["data"];
    // @ts-expect-error: nothing is known of it
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
void [name, drift, code, keyIndex];

// @ts-expect-error: a parsed body is no raw body
webhook.verify({ event: "demo_session_finished" }, "");
// @ts-expect-error: a key may be missing from the environment, and that must be dealt with
new Webhook(undefined);
// @ts-expect-error: there is no such option
new Webhook("key", { tolerance: 5 });
// @ts-expect-error: a delivery is not changed
delivery.id = "another";
// @ts-expect-error: there is no such code
const misspelt: WebhookErrorCode = "signature_missmatch";
void misspelt;

const app = express();
app.post("/webhook", handler(webhook, async ({ id }, request: express.Request) => void [id, request.path]));
app.post("/webhook", middleware(webhook, { onReject: (error) => error.code satisfies WebhookErrorCode }), (request) => {
  const left: Delivery | undefined = request.delivery;
  void left;
});
