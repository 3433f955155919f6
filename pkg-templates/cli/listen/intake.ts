// Processes each request that `listen` receives: verifies, saves and forwards it.
import type { Delivery, Webhook, WebhookError } from "walnut-webhooks";
import { explain, type Explanation } from "walnut-webhooks/explain";
import { WALNUT_BACKOFF_MS } from "../sender/judge.js";
import type { HttpRequest } from "../sender/request.js";
import { deliver, type Result } from "../sender/run.js";
import { reason } from "../failure.js";
import { headersToForward } from "../headers.js";
import { post } from "../post.js";
import { save } from "../saved.js";
import { plain } from "../terminal.js";

/** A request as it arrived. */
export interface Arrival extends HttpRequest {
  readonly at: Date;
}

/** A delivery as the edge describes it. It is used if the command has no key to verify the delivery. */
export interface Known {
  readonly id: string;
  readonly name: string | null;
  readonly type: string;
}

export interface Rejection {
  readonly code: string;
  readonly message: string;
  /** The HTTP status to respond with. */
  readonly status: number;
}

export interface Processed {
  readonly arrival: Arrival;
  /** The delivery, verified here or by the edge. */
  readonly delivery: Delivery | Known | undefined;
  /** The reason for a rejection. */
  readonly rejection: Rejection | undefined;
  readonly explanation: Explanation | undefined;
  /** How often this id was received, including this time. */
  readonly times: number;
  /** The name of its file. */
  readonly saved: string | undefined;
  readonly forwarded: Result<Arrival & { kind: string }> | undefined;
}

export interface IntakeOptions {
  /** The folder to save to. */
  readonly folder: string | undefined;
  /** The URL to forward to. */
  readonly forward: URL | undefined;
  readonly retries: number;
  readonly signal: AbortSignal;
}

/** The result for a rejected request. */
export function rejected(arrival: Arrival, rejection: Rejection): Processed {
  return { arrival, rejection, delivery: undefined, explanation: undefined, times: 0, saved: undefined, forwarded: undefined };
}

/** How many ids are remembered, to count how often each is received. */
const MOST_IDS = 100_000;

export class Intake {
  readonly #times = new Map<string, number>();

  constructor(
    readonly webhook: Webhook | undefined,
    readonly options: IntakeOptions,
  ) {}

  /** Processes a request. Only a genuine one is saved and forwarded. `known` is its description by the edge. */
  async process(arrival: Arrival, known?: Known): Promise<Processed> {
    const headers = headersToForward(arrival.headers);
    let delivery: Delivery | Known;
    try {
      delivery = this.webhook?.verify(arrival.body, headers) ?? (known as Known);
    } catch (error) {
      if ((error as WebhookError).name !== "WebhookError") throw error;
      return { ...rejected(arrival, error as WebhookError), explanation: this.webhook && explain(this.webhook, arrival.body, headers) };
    }
    const times = this.#count(delivery.id);
    const { folder, forward, retries, signal } = this.options;
    let saved: string | undefined;
    try {
      if (folder !== undefined) saved = await save(folder, arrival, arrival.at, delivery.name);
    } catch (error) {
      const message = `the delivery could not be saved in ${plain(`${folder}`)}: ${reason(error)}`;
      return { ...rejected(arrival, { code: "store_failed", message, status: 503 }), delivery, times };
    }
    const sending = { headers, body: arrival.body };
    const forwarded =
      forward && (await deliver({ ...arrival, kind: "event" }, (_, signal) => post(forward, { ...sending, signal }), { retries, backoff: WALNUT_BACKOFF_MS, signal }));
    return { arrival, delivery, times, saved, forwarded, rejection: undefined, explanation: undefined };
  }

  #count(id: string): number {
    const times = (this.#times.get(id) ?? 0) + 1;
    this.#times.delete(id);
    this.#times.set(id, times);
    // The id that was received least recently is dropped.
    if (this.#times.size > MOST_IDS) this.#times.delete(this.#times.keys().next().value as string);
    return times;
  }
}
