/** A limit in time on work that may not end by itself. It is cleared when the work is over. */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #passed: Promise<never>;
  readonly #timer: ReturnType<typeof setTimeout>;

  /** @param late - Makes the error that the deadline passes with. */
  constructor(ms: number, late: () => Error) {
    let pass: (error: Error) => void;
    this.#passed = new Promise((_, reject) => (pass = reject));
    // Between two races nobody waits for it, and what it says is not lost: the next one throws it.
    this.#passed.catch(() => {});
    this.#timer = setTimeout(() => {
      const error = late();
      // First, so that work that ends because of the signal is late already.
      pass(error);
      this.#controller.abort(error);
    }, ms);
  }

  /** Aborts when the deadline passes; its reason is the error. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits for `work`, but no longer than to the deadline: then it throws the error. */
  race<T>(work: T | PromiseLike<T>): Promise<Awaited<T>> {
    return Promise.race([work, this.#passed]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
