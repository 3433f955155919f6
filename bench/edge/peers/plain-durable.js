// The same with a Durable Object. It is not called, because the edge also does not call its own for
// the first answer.
import { DurableObject } from "cloudflare:workers";

export default {
  fetch: () => Response.json({ ok: true }),
};

export class Inbox extends DurableObject {}
