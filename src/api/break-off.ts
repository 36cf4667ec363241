/** Lets an iteration be broken off from outside, though it waits for its next item. */
export class BreakOff {
  #broken: { readonly reason: unknown } | null = null;
  #reject: (reason: unknown) => void = () => {};

  /** The iteration throws `reason` from now on. */
  with(reason: unknown): void {
    this.#broken ??= { reason };
    this.#reject(this.#broken.reason);
  }

  /** The items, until they end or the iteration is broken off. What is asked of `items` by then is not waited for. */
  async *of<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        if (this.#broken) throw this.#broken.reason;
        const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
          this.#reject = reject;
          iterator.next().then(resolve, reject);
        });
        if (next.done) return;
        yield next.value;
      }
    } finally {
      iterator.return?.().catch(() => {});
    }
  }
}
