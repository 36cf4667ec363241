import type { Connection } from './connection.ts';

/** Sizes of a database, in bytes. */
export interface DatabaseSizes {
  /** The database without its write-ahead log. */
  readonly database: number;
  /** What of it is free, and used again before it grows. */
  readonly free: number;
  /** What the write-ahead log holds, moved into the database or not; its file may be larger. */
  readonly log: number;
  /** What of the write-ahead log is not in the database yet: the next checkpoint moves it there. */
  readonly unmoved: number;
}

/** Tells how large the database is, from what SQLite knows of it in memory. */
export class Sizes {
  readonly #pageBytes: number;
  readonly #statements;

  constructor(connection: Connection) {
    this.#pageBytes = Number(connection.pragma('page_size'));
    this.#statements = {
      pages: connection.prepare<[], { page_count: number }>('PRAGMA page_count'),
      free: connection.prepare<[], { freelist_count: number }>('PRAGMA freelist_count'),
      // Moves nothing, and tells how far the last one came.
      log: connection.prepare<[], { log: number; checkpointed: number }>('PRAGMA wal_checkpoint(NOOP)'),
    };
  }

  /** Outside a transaction. */
  now(): DatabaseSizes {
    const { log, checkpointed } = this.#statements.log.get()!;
    return {
      database: this.#statements.pages.get()!.page_count * this.#pageBytes,
      free: this.#statements.free.get()!.freelist_count * this.#pageBytes,
      // Both are -1 before the log is first used.
      log: Math.max(0, log) * this.#pageBytes,
      unmoved: Math.max(0, log - checkpointed) * this.#pageBytes,
    };
  }
}
