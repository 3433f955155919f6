// What Cloudflare loads: the Worker, with a guard around its inbox.
//
// If WebAssembly traps, its instance is gone, and whatever it was waiting for never comes: an alarm of
// any object of the isolate that was under way neither ends nor throws. So the alarm is set here before
// Rust works, its work is bounded here, and an object whose instance has died is ended: the next one
// finds all that was accepted in its storage.
import { DurableObject } from "cloudflare:workers";
import worker, { Inbox as RustInbox } from "./build/index.js";

export default worker;

/** How long Rust may take over an alarm, and over a request, in ms. */
const ALARM_MS = 60_000;
const REQUEST_MS = 25_000;

/** How long until the alarm that is set in case Rust does not come to set one, in ms. */
const GUARD_MS = 10_000;

/** How often it is looked whether the instance still lives, in ms. */
const LOOK_MS = 500;

/** Of the instance of WebAssembly that lives now; worker-build counts them, and marks one that trapped. */
const instance = () => {
  const { criticalError, instanceId } = globalThis.__worker_init_state;
  return criticalError ? NaN : instanceId;
};

export class Inbox extends DurableObject {
  #rust;
  #instance = instance();
  #alarm = null;
  /** The key of the delivery that Rust works on at this moment, or 0. */
  #delivery = 0;
  #ended = false;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.#alarm = await ctx.storage.getAlarm();
      this.armBy(Date.now() + GUARD_MS);
      this.#rust = new RustInbox(ctx, { ...env, GUARD: this });
      this.#instance = instance();
    });
  }

  /** Rust says which delivery it works on. */
  begin(delivery) {
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

  fetch(request) {
    this.armBy(Date.now() + GUARD_MS);
    return this.#guarded(REQUEST_MS, () => this.#rust.fetch(request));
  }

  async alarm() {
    this.arm(Date.now() + GUARD_MS);
    await this.#guarded(ALARM_MS, () => this.#rust.alarm());
  }

  /** Waits for Rust, but neither for ever nor for an instance that is dead. */
  async #guarded(most, work) {
    const end = Date.now() + most;
    let timer;
    const lost = new Promise((_, reject) => {
      timer = setInterval(() => {
        if (instance() !== this.#instance) reject(new Error("WebAssembly has trapped"));
        else if (Date.now() > end) reject(new Error("the inbox took too long"));
      }, LOOK_MS);
    });
    try {
      return await Promise.race([work(), lost]);
    } catch (error) {
      await this.#end(error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** Ends this object; the next one begins soon. A delivery that was worked on is marked. */
  async #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    console.error(JSON.stringify({ event: "inbox_ended", reason: error.message }));
    const { storage } = this.ctx;
    if (this.#delivery !== 0) {
      storage.sql.exec("UPDATE deliveries SET traps = traps + 1 WHERE key = ?", this.#delivery);
    }
    await storage.setAlarm(Date.now() + 1000);
    await storage.sync();
    this.ctx.abort(error.message);
  }
}
