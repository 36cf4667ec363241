import type { Connection } from './connection.ts';

/** Stands for the digest of a row that no commit ever holds. */
const SCRATCH = 'room';

/** Whether the volume, and the bound of the database's size, have room for a commit of some bytes. */
export class Room {
  readonly #connection: Connection;
  readonly #put;
  readonly #drop;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#put = connection.prepare<[string, number], never>(
      'INSERT INTO programs (digest, body) VALUES (?, zeroblob(?))',
    );
    this.#drop = connection.prepare<[string], never>('DELETE FROM programs WHERE digest = ?');
  }

  /**
   * Inside a transaction: takes pages of so many bytes and gives them back, so that its commit has to write them all.
   * No reader ever sees them. What it took stays with the database, free for the next update.
   * @throws WafersyncError `exhausted` where there is no room, here or at the commit
   */
  prove(bytes: number): void {
    this.#connection.savepoint(() => {
      this.#put.run(SCRATCH, bytes);
      this.#drop.run(SCRATCH);
    });
  }
}
