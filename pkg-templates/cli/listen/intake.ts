// What becomes of each request that `listen` gets: it is verified, saved, and sent on.
import type { Delivery, Webhook, WebhookError } from "walnut-webhooks";
import { explain, type Explanation } from "walnut-webhooks/explain";
import { WALNUT_BACKOFF_MS } from "../sender/judge.js";
import type { HttpRequest } from "../sender/request.js";
import { deliver, type Result } from "../sender/run.js";
import { reason } from "../failure.js";
import { onward } from "../headers.js";
import { post } from "../post.js";
import { save } from "../saved.js";

/** A request as it came. */
export interface Arrival extends HttpRequest {
  readonly at: Date;
}

/** What an edge says of a delivery, where there is no key to verify it with here. */
export interface Known {
  readonly id: string;
  readonly name: string | null;
  readonly type: string;
}

export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** The HTTP status to answer with. */
  readonly status: number;
}

export interface Taken {
  readonly arrival: Arrival;
  /** What it is: verified here, or by the edge. */
  readonly delivery: Delivery | Known | undefined;
  /** Why it was refused. */
  readonly refusal: Refusal | undefined;
  readonly explanation: Explanation | undefined;
  /** How often this id has come, with this one. */
  readonly times: number;
  /** The name of its file. */
  readonly saved: string | undefined;
  readonly forwarded: Result<Arrival & { kind: string }> | undefined;
}

export interface IntakeOptions {
  /** The folder to save to. */
  readonly folder: string | undefined;
  /** Where to send on to. */
  readonly forward: URL | undefined;
  readonly retries: number;
  readonly signal: AbortSignal;
}

/** What a request comes to that is refused as it stands. */
export function refused(arrival: Arrival, refusal: Refusal): Taken {
  return { arrival, refusal, delivery: undefined, explanation: undefined, times: 0, saved: undefined, forwarded: undefined };
}

/** How many ids are remembered, to say how often each came. */
const MOST_IDS = 100_000;

export class Intake {
  readonly #times = new Map<string, number>();

  constructor(
    readonly webhook: Webhook | undefined,
    readonly options: IntakeOptions,
  ) {}

  /** Takes a request. What is not genuine is neither saved nor sent on. `known` is what the edge says of it. */
  async take(arrival: Arrival, known?: Known): Promise<Taken> {
    const headers = onward(arrival.headers);
    let delivery: Delivery | Known;
    try {
      delivery = this.webhook?.verify(arrival.body, headers) ?? (known as Known);
    } catch (refusal) {
      if ((refusal as WebhookError).name !== "WebhookError") throw refusal;
      return { ...refused(arrival, refusal as WebhookError), explanation: this.webhook && explain(this.webhook, arrival.body, headers) };
    }
    const times = this.#count(delivery.id);
    const { folder, forward, retries, signal } = this.options;
    let saved: string | undefined;
    try {
      if (folder !== undefined) saved = await save(folder, arrival, arrival.at, delivery.name);
    } catch (error) {
      const message = `the delivery could not be saved in ${folder}: ${reason(error)}`;
      return { ...refused(arrival, { code: "store_failed", message, status: 503 }), delivery, times };
    }
    const sending = { headers, body: arrival.body };
    const forwarded =
      forward && (await deliver({ ...arrival, kind: "event" }, (_, signal) => post(forward, { ...sending, signal }), { retries, backoff: WALNUT_BACKOFF_MS, signal }));
    return { arrival, delivery, times, saved, forwarded, refusal: undefined, explanation: undefined };
  }

  #count(id: string): number {
    const times = (this.#times.get(id) ?? 0) + 1;
    this.#times.delete(id);
    this.#times.set(id, times);
    // The one that has not come for longest goes.
    if (this.#times.size > MOST_IDS) this.#times.delete(this.#times.keys().next().value as string);
    return times;
  }
}
