// The Worker on one machine, in workerd: `walnut-webhooks edge start` runs it. Here no platform calls the cron trigger or
// moves Durable Objects away before a shutdown. The command does both through the entrypoint `machine`.
import edge, { Inbox } from "./index.js";

export default edge;

/** How long an alarm that fires during the shutdown is delayed, in ms. */
const PUT_OFF_MS = 1000;

let isStopping = false;
/** The running alarms. */
const working = new Set();

class MachineInbox extends Inbox {
  isStopping() {
    return isStopping;
  }

  async alarm() {
    // The process ends soon; the next one finds the alarm in the storage.
    if (isStopping) return this.arm(Date.now() + PUT_OFF_MS);
    const work = super.alarm();
    working.add(work);
    try {
      await work;
    } finally {
      working.delete(work);
    }
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

  /** Prevents alarms from starting another request. The response ends once no request of an alarm is in flight. */
  "/stop"() {
    isStopping = true;
    const { readable, writable } = new TransformStream();
    Promise.allSettled(working).then(() => writable.close());
    return new Response(readable);
  },
};

export const machine = {
  fetch: (request, env, context) => routes[new URL(request.url).pathname](env, context),
};
