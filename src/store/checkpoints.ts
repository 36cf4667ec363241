import type { Connection } from './connection.ts';

/** Moves the write-ahead log into the database, besides the commits that do it by themselves. */
export class Checkpoints {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Size of the log at which a commit moves it into the database, bytes. */
  get atBytes(): number {
    const pages = Number(this.#connection.pragma('wal_autocheckpoint'));
    return pages * Number(this.#connection.pragma('page_size'));
  }

  /**
   * Moves what it can of the log without waiting for anybody, and cuts its file if all of it is moved and nobody reads
   * it. Outside a transaction.
   * @returns whether it was cut
   * @throws WafersyncError the storage's failure
   */
  tryCut(): boolean {
    return this.#connection.withoutWaiting(() => this.#connection.pragma('wal_checkpoint(TRUNCATE)') === 0);
  }
}
