import { openSync, readSync } from 'node:fs';

/** How far the write-ahead log is moved back into its database. */
export interface Checkpoint {
  /** Pages that a checkpoint has begun to move. */
  readonly attempted: number;
  /** Pages that are moved. Less than `attempted` inside a checkpoint, and after a recovery until the first one. */
  readonly done: number;
}

/** Where the wal-index has these (https://sqlite.org/walformat.html, WalCkptInfo). */
const DONE_AT = 96;
const ATTEMPTED_AT = 128;

/**
 * Reads a -shm file of this process as often as is wanted. It is never closed: closing it would take away the locks that
 * SQLite has on it in this process.
 */
export class CheckpointWatch {
  readonly #descriptor: number;
  readonly #word = new Uint32Array(1);

  constructor(file: string) {
    this.#descriptor = openSync(file, 'r');
  }

  now(): Checkpoint {
    return { attempted: this.#at(ATTEMPTED_AT), done: this.#at(DONE_AT) };
  }

  #at(position: number): number {
    readSync(this.#descriptor, this.#word, 0, 4, position);
    return this.#word[0]!;
  }
}
