// The Worker on one machine, in workerd: `walnut-webhooks edge start` runs it. Here no platform calls the cron trigger or
// moves Durable Objects away before a shutdown. The command does both through the entrypoint `machine`.
import edge, { Inbox } from "./index.js";

/** How long an alarm that fires during the shutdown is delayed, in ms. */
const PUT_OFF_MS = 1000;

/** How often the shutdown checks whether anything is in flight, in ms. */
const CHECK_MS = 20;

let isStopping = false;
/** The requests and alarms in flight. */
const working = new Set();

/** Awaits work, and counts it as in flight meanwhile. */
async function track(work) {
  working.add(work);
  try {
    return await work;
  } finally {
    working.delete(work);
  }
}

export default {
  fetch(request, env, context) {
    return isStopping ? rejection() : track(edge.fetch(request, env, context));
  },
};

function rejection() {
  const error = { code: "store_failed", message: "the edge is stopping: send the request again" };
  return Response.json({ error }, { status: 503, headers: { connection: "close", "cache-control": "no-store", "retry-after": "1" } });
}

class MachineInbox extends Inbox {
  isStopping() {
    return isStopping;
  }

  async alarm() {
    // The process ends soon; the next one finds the alarm in the storage.
    if (isStopping) return this.arm(Date.now() + PUT_OFF_MS);
    await track(super.alarm());
  }
}
export { MachineInbox as Inbox };

/** The command's requests. */
const routes = {
  /** Runs the cron trigger. */
  async "/cron"(env, context) {
    await edge.scheduled({}, env, context);
    return new Response();
  },

  /** Rejects new requests, and stops alarms from sending more. Responds once nothing is in flight. */
  async "/stop"() {
    isStopping = true;
    // workerd cancels a request that waits only for other requests. A timer prevents this.
    while (working.size > 0) await new Promise((resolve) => setTimeout(resolve, CHECK_MS));
    return new Response();
  },
};

export const machine = {
  fetch: (request, env, context) => routes[new URL(request.url).pathname](env, context),
};
