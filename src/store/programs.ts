import { createHash } from 'node:crypto';
import { WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/** Test programs by the SHA-256 of their canonical bytes. */
export class Programs {
  readonly #connection: Connection;
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#connection = connection;
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  has(digest: ProgramDigest): boolean {
    return this.#statements.has.get(digest) !== undefined;
  }

  /** Canonical bytes of a program; null where it is not here. */
  get(digest: ProgramDigest): Uint8Array | null {
    return this.#statements.get.get(digest)?.body ?? null;
  }

  /** Stores a program. The same one again changes nothing. @throws WafersyncError `damaged` where the digest is another */
  put(digest: ProgramDigest, body: Uint8Array): void {
    const actual = createHash('sha256').update(body).digest('hex');
    if (actual !== digest) {
      throw new WafersyncError(
        'damaged',
        `test program ${digest} has other bytes: their digest is ${actual}`,
        {
          hint: 'Fetch it again.',
        },
      );
    }
    this.#connection.write(() => this.#statements.put.run(body, this.#keys.program(digest)));
  }

  /** Digests of programs that held updates wait for. */
  missing(limit: number): ProgramDigest[] {
    return this.#statements.missing.all(limit).map(({ digest }) => digest as ProgramDigest);
  }
}

function statements(connection: Connection) {
  return {
    has: connection.prepare<[string], { found: 1 }>(
      'SELECT 1 AS found FROM programs WHERE digest = ? AND body IS NOT NULL',
    ),
    get: connection.prepare<[string], { body: Uint8Array | null }>(
      'SELECT body FROM programs WHERE digest = ?',
    ),
    put: connection.prepare<[Uint8Array, number], never>(
      'UPDATE programs SET body = ? WHERE id = ? AND body IS NULL',
    ),
    missing: connection.prepare<[number], { digest: string }>(
      `SELECT DISTINCT p.digest FROM held_updates h JOIN update_log u ON u.id = h.update_row
       JOIN programs p ON p.id = u.program WHERE p.body IS NULL LIMIT ?`,
    ),
  };
}
