// The same with a Durable Object, which is not called, as ours is not for the first answer.
import { DurableObject } from "cloudflare:workers";

export default {
  fetch: () => Response.json({ ok: true }),
};

export class Inbox extends DurableObject {}
