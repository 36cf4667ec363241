import { WafersyncError } from '../errors.ts';

/** A connection that only reads. */
interface Reader {
  close(): void;
}

/** Connections of a store that only read, so that none is left open behind it. */
export class OpenReaders {
  readonly #open = new Set<Reader>();
  #isClosed = false;

  /**
   * Keeps a reader until it is closed.
   * @param open makes it; what it is given has to be called when the reader is closed
   * @throws WafersyncError `unavailable` once all are closed
   */
  add<R extends Reader>(open: (closed: () => void) => R): R {
    if (this.#isClosed) throw new WafersyncError('unavailable', 'the store is closed');
    const reader = open(() => this.#open.delete(reader));
    this.#open.add(reader);
    return reader;
  }

  /** Whether one of a kind is open. */
  some(kind: new (...args: never[]) => Reader): boolean {
    return [...this.#open].some((reader) => reader instanceof kind);
  }

  /** Closes all; none is opened any more. */
  close(): void {
    this.#isClosed = true;
    for (const reader of this.#open) reader.close();
  }
}
