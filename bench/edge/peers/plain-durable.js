// The Worker of plain.js with a Durable Object. The Worker does not call it, because the edge also does not call its own
// for the first answer.
import { DurableObject } from "cloudflare:workers";

export default {
  fetch: () => Response.json({ ok: true }),
};

export class Inbox extends DurableObject {}
