import { givenUp } from './turns.ts';

/** Something that is read once for all who ask for it, and given up when none of them waits for it any more. */
export class SharedReading<T> {
  readonly #over = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  /** @param read begun at once; its signal is {@link signal} */
  constructor(read: (signal: AbortSignal) => Promise<T>) {
    this.#result = read(this.#over.signal);
  }

  /** Aborted when nobody waits any more: whoever asks then needs another reading. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Waits for it too. @param signal of who waits, not aborted yet @throws what the reading throws; WafersyncError `cancelled` */
  join(signal: AbortSignal): Promise<T> {
    this.#waiting++;
    return new Promise((resolve, reject) => {
      const leave = () => {
        if (--this.#waiting === 0) this.#over.abort();
        reject(givenUp());
      };
      const stay = () => signal.removeEventListener('abort', leave);
      signal.addEventListener('abort', leave, { once: true });
      this.#result.finally(stay).then(resolve, reject);
    });
  }
}
