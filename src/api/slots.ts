import { WafersyncError } from '../errors.ts';
import { EventSource } from '../replica/event-source.ts';

/** Bounds how many calls of some kind are open at once. Invariant: 0 ≤ taken ≤ limit. */
export class Slots {
  readonly #limit: number;
  readonly #what: string;
  readonly #key: string;
  #taken = 0;
  #closed: WafersyncError | null = null;
  /** Told why no more are taken from now on; those that are open end where they can. */
  readonly closings = new EventSource<WafersyncError>();
  /** Told when one has become free. */
  readonly freed = new EventSource<void>();

  /**
   * @param what the calls, as in `256 streams`
   * @param key configuration key of the limit
   */
  constructor(limit: number, what: string, key: string) {
    this.#limit = limit;
    this.#what = what;
    this.#key = key;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** No more are taken, for this reason; null: they are again. */
  close(why: WafersyncError | null): void {
    this.#closed = why;
    if (why) this.closings.emit(why);
  }

  /** Does some work while it holds a slot. @throws WafersyncError `exhausted` where none is free, or why none is given */
  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#take();
    try {
      return await work();
    } finally {
      this.#free();
    }
  }

  /** The items, holding a slot from the first to the end. @throws WafersyncError `exhausted` where none is free */
  async *during<T>(items: () => AsyncIterable<T>): AsyncGenerator<T, void, void> {
    this.#take();
    try {
      yield* items();
    } finally {
      this.#free();
    }
  }

  #free(): void {
    this.#taken--;
    this.freed.emit();
  }

  #take(): void {
    if (this.#closed) throw this.#closed;
    if (this.#taken >= this.#limit) {
      throw new WafersyncError(
        'exhausted',
        `${this.#limit} ${this.#what} are open, as many as this node takes`,
        {
          hint: `Try again later, or raise ${this.#key}.`,
        },
      );
    }
    this.#taken++;
  }
}
