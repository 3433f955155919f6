/** A time limit for work that may not end by itself. The caller clears it when the work ends. */
export class Deadline {
  /** Aborts when the deadline passes; its reason is the error. */
  readonly signal: AbortSignal;
  readonly #passed: Promise<never>;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** @param late - Makes the error when the deadline passes. */
  constructor(ms: number, late: () => Error) {
    const controller = new AbortController();
    const { signal } = controller;
    this.signal = signal;
    this.#passed = new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    this.#timer = setTimeout(() => controller.abort(late()), ms);
  }

  /** Waits for `work` until the deadline, and throws the error if it passes first. */
  race<T>(work: T | PromiseLike<T>): Promise<Awaited<T>> {
    return Promise.race([work, this.#passed]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
