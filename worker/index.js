// The Worker and its inbox as Cloudflare loads them, with protection against traps of WebAssembly.
//
// A trap destroys the instance, and promises of that instance never settle: a running alarm, of any object in the
// isolate, neither ends nor throws. Therefore the next call creates a new instance. This file sets the alarm if Rust
// trapped before setting it, and limits how long an alarm may run. It ends an object whose instance trapped during its
// alarm. The next object finds every accepted delivery in the storage.
import { DurableObject } from "cloudflare:workers";
import * as core from "walnut-webhooks-worker";

/** The time limit of an alarm, in ms. Rust ends each alarm sooner. */
const LOST_MS = 60_000;

/** How far ahead the alarm is set if Rust trapped before setting one, in ms. An alarm that is overdue by more is lost. */
const GUARD_MS = 10_000;

/** How far ahead the alarm is set after an aborted one, in ms. */
const TRAPPED_MS = 1000;

/** How often an alarm checks whether its instance has trapped, in ms. */
const CHECK_MS = 500;

/**
 * The IDs of objects whose last alarm did not succeed. If a write can't be stored, for example on a full disk, the platform
 * ends the object without an error. The next object with this ID reads here that the alarm failed.
 */
const unsuccessful = new Set();

/** The number of the current instance of WebAssembly, and whether it has trapped. */
let instance = 0;
let trapped = false;

/** Returns the number of an instance that has not trapped, a new one if necessary. */
function liveInstance() {
  if (trapped) {
    core.__wbg_reset_state();
    idle = [];
    trapped = false;
    instance++;
  }
  return instance;
}

/** Notes a trap; other errors leave the instance intact. */
function inspect(error) {
  if (error instanceof WebAssembly.RuntimeError) discard(error);
}

/** Marks the instance as unusable. */
function discard(error) {
  trapped = true;
  log({ event: "trapped", reason: String(error), stack: error.stack });
}

/** Writes an error to the log. It contains nothing from a request. */
function log(line) {
  console.error(JSON.stringify(line));
}

// A trap in a callback, which no caller catches.
addEventListener("error", ({ error }) => inspect(error));

/** Calls Rust, and notes a trap. */
function call(work) {
  liveInstance();
  try {
    return work();
  } catch (error) {
    inspect(error);
    throw error;
  }
}

/**
 * Tasks of the current instance whose work has ended. They are reused, because creating an object in wasm-bindgen is slow. A
 * task of a cancelled request does not return here, and is freed by the garbage collector.
 */
let idle = [];

/** Runs the steps of a task, and awaits the promise of each. Resolves with the result of the task. */
async function run(begin) {
  const task = call(() => {
    const task = idle.pop() ?? new core.Task();
    begin(task);
    return task;
  });
  const began = instance;
  let [settled, failed] = [undefined, false];
  for (;;) {
    if (trapped || instance !== began) throw new Error("WebAssembly trapped during the request");
    let next;
    try {
      next = task.step(settled, failed);
    } catch (error) {
      discard(error); // any error, such as a stack overflow, may have left the instance inconsistent
      throw error;
    }
    if (!(next instanceof Promise)) {
      idle.push(task);
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
  // Passes every part of the head that Rust needs, because each call from Rust takes time.
  fetch(request, env, context) {
    const { method, url, headers } = request;
    const header = (name) => headers.get(name);
    return run((task) =>
      task.fetch(
        request, env, context, method, url,
        header("x-walnut-signature"), header("content-type"), header("content-length"), header("walnut-edge"),
      ),
    );
  },
  scheduled: (event, env) => run((task) => task.scheduled(env)),
};

export class Inbox extends DurableObject {
  #core;
  #instance;
  #alarm = null;
  /** The row that Rust is working on, or 0. A negative number is a row of the quarantine. */
  #row = 0;
  #ended = false;
  /** The checks of waiting clients, which run after each stored delivery. */
  #waiting = new Set();

  constructor(context, env) {
    super(context, env);
    context.blockConcurrencyWhile(async () => {
      this.#alarm = await context.storage.getAlarm();
      const now = Date.now();
      // An overdue alarm may have created this object. Putting it off would cancel it.
      if (this.#alarm !== null && this.#alarm < now - GUARD_MS) this.arm(now);
    });
  }

  /** Notes the row that Rust is working on, in the form of `#row`. */
  mark(row) {
    this.#row = row;
  }

  /**
   * Sets the alarm to a time in ms since the epoch, unless it is set to an earlier time. An alarm that is long overdue
   * does not count: the platform drops an alarm that has failed several times.
   */
  armBy(time) {
    const lost = this.#alarm === null || this.#alarm < Date.now() - GUARD_MS;
    if (lost || this.#alarm > time) this.arm(time);
  }

  /**
   * Sets the alarm to a time in ms since the epoch, or deletes it. It avoids needless calls, because each is billed as
   * a row.
   */
  arm(time) {
    const old = this.#alarm;
    this.#alarm = time ?? null;
    if (this.#alarm !== null) this.ctx.storage.setAlarm(this.#alarm);
    else if (old !== null) this.ctx.storage.deleteAlarm();
  }

  /** Returns whether the alarm must not start another request, because the process is about to end: see machine.js. */
  isStopping() {
    return false;
  }

  /** Stores a delivery. `Inbox::store` in Rust explains the arguments. */
  store(...arrival) {
    const stored = this.#armed(() => this.#live().store(...arrival));
    for (const check of this.#waiting) check();
    return stored;
  }

  /** Resolves once a delivery newer than a row is stored, or after `ms` milliseconds. */
  async wait(row, ms) {
    const isNewer = () => call(() => this.#live().newest()) > row;
    if (isNewer()) return;
    let [check, timer] = [];
    await new Promise((resolve) => {
      check = () => isNewer() && resolve();
      timer = setTimeout(resolve, ms);
      this.#waiting.add(check);
    });
    this.#waiting.delete(check);
    clearTimeout(timer);
  }

  /** Replies to a request. `protocol.rs` defines the requests and the replies. */
  ask(version, shard, request) {
    return this.#armed(() => this.#live().ask(version, shard, request));
  }

  /** Calls Rust, which sets the alarm if there is something to send. If Rust fails, a delivery may still have been stored. */
  #armed(work) {
    try {
      return call(work);
    } catch (error) {
      this.armBy(Date.now() + GUARD_MS);
      throw error;
    }
  }

  /** Lets Rust send the deliveries that are due, until Rust ends, its instance traps, or the time limit is reached. */
  async alarm() {
    // The platform runs this again if the process ends meanwhile.
    this.#alarm = null;
    const id = this.ctx.id.toString();
    const isUnsure = unsuccessful.has(id);
    if (isUnsure) log({ event: "inbox_failed", reason: "the last alarm failed: the storage is tested before anything is sent" });
    unsuccessful.add(id);
    const end = Date.now() + LOST_MS;
    let timer;
    try {
      const work = call(() => this.#live().alarm(isUnsure));
      const began = this.#instance;
      const lost = new Promise((_, reject) => {
        timer = setInterval(() => {
          if (trapped || instance !== began) reject(new Error("WebAssembly trapped during an alarm"));
          else if (Date.now() > end) reject(new Error("the alarm did not end in time"));
        }, CHECK_MS);
      });
      if (await Promise.race([work, lost])) {
        await this.ctx.storage.sync();
        unsuccessful.delete(id);
      }
    } catch (error) {
      await this.#end(error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** Returns the inbox of a live instance. A new instance can continue at any time, because all state is in the storage. */
  #live() {
    if (this.#instance !== liveInstance()) {
      this.#core = new core.Inbox(this.ctx.storage, this.env, this);
      this.#instance = instance;
    }
    return this.#core;
  }

  /** Ends this object, and counts the trap for the row that Rust was working on. A new object starts soon. */
  async #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    log({ event: "inbox_ended", reason: error.message });
    const { storage } = this.ctx;
    if (this.#row !== 0) {
      const table = this.#row > 0 ? "deliveries" : "kept";
      storage.sql.exec(`UPDATE ${table} SET traps = traps + 1 WHERE key = ?`, Math.abs(this.#row));
    }
    await storage.setAlarm(Date.now() + TRAPPED_MS);
    await storage.sync();
    unsuccessful.delete(this.ctx.id.toString());
    this.ctx.abort(error.message);
  }
}
