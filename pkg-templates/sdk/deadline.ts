/** A limit in time on work that may not end by itself. It is cleared when the work is over. */
export class Deadline {
  /** Aborts when the deadline passes; its reason is the error. */
  readonly signal: AbortSignal;
  readonly #passed: Promise<never>;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** @param late - Makes the error that the deadline passes with. */
  constructor(ms: number, late: () => Error) {
    const controller = new AbortController();
    const { signal } = controller;
    this.signal = signal;
    this.#passed = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    this.#timer = setTimeout(() => controller.abort(late()), ms);
  }

  /** Waits for `work`, but no longer than to the deadline: then it throws the error. */
  race<T>(work: T | PromiseLike<T>): Promise<Awaited<T>> {
    return Promise.race([work, this.#passed]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
