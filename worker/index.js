// What Cloudflare loads: the Worker and its inbox, and a guard around both.
//
// If WebAssembly traps, its instance is gone, and whatever that was waiting for never comes: an alarm of
// any object of the isolate that was under way neither ends nor throws. So the next call begins with a new
// instance; the alarm is set here whatever Rust does, its work is bounded here, and an object whose
// instance has died in its alarm is ended: the next one finds all that was accepted in its storage.
import { DurableObject } from "cloudflare:workers";
import * as core from "walnut-webhooks-worker";

/** After how long an alarm that Rust works on is given up, in ms: by then it would have ended by itself. */
const LOST_MS = 60_000;

/** How long until the alarm that is set in case Rust does not come to set one, in ms. */
const GUARD_MS = 10_000;

/** How long until the alarm that follows one that was cut off, in ms. */
const TRAPPED_MS = 1000;

/** How often it is looked whether the instance still lives, in ms. */
const LOOK_MS = 500;

/** Of the instance of WebAssembly: they are counted. */
let instance = 0;
let trapped = false;

/** Returns the number of a living instance. */
function living() {
  if (trapped) {
    core.__wbg_reset_state();
    trapped = false;
    instance++;
  }
  return instance;
}

function look(error) {
  if (error instanceof WebAssembly.RuntimeError) lose(error);
}

/** Gives an instance up that was left in the middle of its work. */
function lose(error) {
  trapped = true;
  log({ event: "trapped", reason: String(error), stack: error.stack });
}

/** An error in the log: it has nothing in it of what came. */
function log(line) {
  console.error(JSON.stringify(line));
}

// What traps while it is woken, rather than called.
addEventListener("error", ({ error }) => look(error));

/** Calls Rust, and looks at what it throws. */
function call(work) {
  living();
  try {
    return work();
  } catch (error) {
    look(error);
    throw error;
  }
}

/** Takes the steps of a task: waits for what it waits for, and returns what it comes to. */
async function done(begin) {
  const task = call(begin);
  const began = instance;
  let [settled, failed] = [undefined, false];
  for (;;) {
    if (trapped || instance !== began) throw new Error("WebAssembly has trapped meanwhile");
    let next;
    try {
      next = task.step(settled, failed);
    } catch (error) {
      lose(error); // whatever it is: a step throws nothing of its own
      throw error;
    }
    if (!(next instanceof Promise)) {
      task.free();
      return next;
    }
    try {
      [settled, failed] = [await next, false];
    } catch (error) {
      [settled, failed] = [error, true];
    }
  }
}

export default {
  fetch: (request, env, context) => done(() => core.fetch(request, env, context)),
  scheduled: (event, env) => done(() => core.scheduled(env)),
};

export class Inbox extends DurableObject {
  #core;
  #instance;
  #alarm = null;
  /** The key of the delivery that Rust works on at this moment, or 0. */
  #delivery = 0;
  #ended = false;

  constructor(context, env) {
    super(context, env);
    context.blockConcurrencyWhile(async () => {
      this.#alarm = await context.storage.getAlarm();
      const now = Date.now();
      // One that is overdue may be the one that this object was made for, and would not come if it were put off.
      if (this.#alarm !== null && this.#alarm < now - GUARD_MS) this.arm(now);
      this.armBy(now + GUARD_MS);
    });
  }

  /** Rust says which delivery it works on, by key; 0 is none. */
  mark(delivery) {
    this.#delivery = delivery;
  }

  /**
   * Sets the alarm to a time in ms since the epoch, unless it is set to an earlier one. One that should have come
   * long ago counts as none: the platform gives up an alarm that has failed often enough.
   */
  armBy(time) {
    const lost = this.#alarm === null || this.#alarm < Date.now() - GUARD_MS;
    if (lost || this.#alarm > time) this.arm(time);
  }

  /** Sets the alarm to a time in ms since the epoch, or to none. */
  arm(time) {
    this.#alarm = time ?? null;
    if (this.#alarm === null) this.ctx.storage.deleteAlarm();
    else this.ctx.storage.setAlarm(this.#alarm);
  }

  /** Stores a delivery, and returns in a word what became of it. */
  store(arrival) {
    return this.#armed(() => this.#living().store(arrival));
  }

  /** Does what else is asked of this shard. */
  ask(shard, operation, question) {
    return this.#armed(() => this.#living().ask(shard, operation, question));
  }

  /** Calls Rust, and sees to it that an alarm is set before anything else can happen, whatever Rust did. */
  #armed(work) {
    try {
      return call(work);
    } finally {
      this.armBy(Date.now() + GUARD_MS);
    }
  }

  /** Has Rust do what is due; but waits neither for ever, nor for an instance that is dead. */
  async alarm() {
    this.arm(Date.now() + GUARD_MS);
    const end = Date.now() + LOST_MS;
    let timer;
    try {
      const work = call(() => this.#living().alarm());
      const began = this.#instance;
      const lost = new Promise((_, reject) => {
        timer = setInterval(() => {
          if (trapped || instance !== began) reject(new Error("WebAssembly has trapped"));
          else if (Date.now() > end) reject(new Error("the inbox took too long"));
        }, LOOK_MS);
      });
      await Promise.race([work, lost]);
    } catch (error) {
      await this.#end(error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** Rust's inbox: all that it knows is in the storage, so that another may take over at any time. */
  #living() {
    if (this.#instance !== living()) {
      this.#core = new core.Inbox(this.ctx.storage, this.env, this);
      this.#instance = instance;
    }
    return this.#core;
  }

  /** Ends this object; the next one begins soon. A delivery that was worked on is marked. */
  async #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    log({ event: "inbox_ended", reason: error.message });
    const { storage } = this.ctx;
    if (this.#delivery !== 0) {
      storage.sql.exec("UPDATE deliveries SET traps = traps + 1 WHERE key = ?", this.#delivery);
    }
    await storage.setAlarm(Date.now() + TRAPPED_MS);
    await storage.sync();
    this.ctx.abort(error.message);
  }
}
