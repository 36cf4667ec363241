/** Something that is read once for all who ask for it, and given up when none of them waits for it any more. */
export class SharedReading<T> {
  readonly #over = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  /** @param read begun at once; its signal is aborted when nobody waits any more */
  constructor(read: (signal: AbortSignal) => Promise<T>) {
    this.#result = read(this.#over.signal);
  }

  /** Waits for it too. @param signal of who waits @throws what the reading throws */
  async join(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    const leave = () => {
      if (--this.#waiting === 0) this.#over.abort();
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    try {
      return await this.#result;
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }
}
