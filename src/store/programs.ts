import { createHash } from 'node:crypto';
import { WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Connection, Participant } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/**
 * Test programs by the SHA-256 of their canonical bytes.
 *
 * Invariant: whatever is given out has the digest that it is asked for by.
 */
export class Programs implements Participant {
  readonly #connection: Connection;
  readonly #keys: LocalKeys;
  readonly #statements;
  readonly #damageListeners: ((digest: ProgramDigest) => void)[] = [];
  /** Those that were found damaged and have not come again. */
  #emptied: ReadonlySet<ProgramDigest>;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#connection = connection;
    this.#keys = keys;
    this.#statements = statements(connection);
    this.#emptied = new Set(this.#statements.emptied.all().map(({ digest }) => digest as ProgramDigest));
    connection.enlist(this);
  }

  has(digest: ProgramDigest): boolean {
    return this.#statements.has.get(digest) !== undefined;
  }

  /** Canonical bytes of a program; null where it is not here, or damaged, which those who listen for it are told. */
  get(digest: ProgramDigest): Uint8Array | null {
    const body = this.#statements.get.get(digest)?.body ?? null;
    if (body === null || digestOf(body) === digest) return body;
    for (const listener of this.#damageListeners) listener(digest);
    return null;
  }

  /** Canonical bytes of a program that is read for somebody. @throws WafersyncError `damaged` where it is not here or damaged */
  require(digest: ProgramDigest): Uint8Array {
    const body = this.get(digest);
    if (body) return body;
    throw new WafersyncError(
      'damaged',
      `test program ${digest} is missing or damaged in this node's database`,
      {
        hint: 'It is fetched again from another fab; try again in a moment. If it comes again and again, check the disk.',
      },
    );
  }

  /**
   * Reads some of the programs behind a row, so that damage is found: up to `maxBytes`, but one at least. Tells the last
   * row that was read; null behind the last one.
   */
  scan(row: number, maxBytes: number): number | null {
    let last: number | null = null;
    for (let bytes = 0; bytes < maxBytes; ) {
      const next = this.#statements.behind.get(last ?? row);
      if (!next) break;
      bytes += this.get(next.digest as ProgramDigest)?.length ?? 0;
      last = next.id;
    }
    return last;
  }

  /** Digests of the programs behind one whose bytes are here, growing, with whether they are sound; up to so many bytes, one at least. */
  check(behind: string, maxBytes: number): { readonly digest: ProgramDigest; readonly sound: boolean }[] {
    const checked: { digest: ProgramDigest; sound: boolean }[] = [];
    for (let bytes = 0; bytes < maxBytes; ) {
      const next = this.#statements.next.get(checked.at(-1)?.digest ?? behind);
      if (!next) break;
      bytes += next.body.length;
      checked.push({ digest: next.digest as ProgramDigest, sound: digestOf(next.body) === next.digest });
    }
    return checked;
  }

  /** Calls a listener with each program that is found damaged, maybe in the middle of a transaction. */
  onDamage(listener: (digest: ProgramDigest) => void): void {
    this.#damageListeners.push(listener);
  }

  /** Inside a transaction: a damaged program is not here from now on, and is asked for. Tells whether that is news. */
  markDamaged(digest: ProgramDigest): boolean {
    this.#connection.requireTransaction();
    const body = this.#statements.get.get(digest)?.body ?? null;
    if (body === null || digestOf(body) === digest) return false;
    this.#statements.empty.run(digest);
    this.#emptied = new Set([...this.#emptied, digest]);
    return true;
  }

  /** Inside a transaction: a program that applied updates name is not here, and is asked for. */
  ask(digest: ProgramDigest): void {
    this.#connection.requireTransaction();
    this.#emptied = new Set([...this.#emptied, digest]);
  }

  save(): () => void {
    const emptied = this.#emptied;
    return () => {
      this.#emptied = emptied;
    };
  }

  flush(): void {}

  /** Stores a program. The same one again changes nothing. @throws WafersyncError `damaged` where the digest is another */
  put(digest: ProgramDigest, body: Uint8Array): void {
    const actual = digestOf(body);
    if (actual !== digest) {
      throw new WafersyncError(
        'damaged',
        `test program ${digest} has other bytes: their digest is ${actual}`,
        {
          hint: 'Fetch it again.',
        },
      );
    }
    this.#connection.write(() => {
      this.#statements.put.run(body, this.#keys.program(digest));
      if (this.#emptied.has(digest))
        this.#emptied = new Set([...this.#emptied].filter((other) => other !== digest));
    });
  }

  /** Digests of programs that held updates wait for, or that were found damaged. */
  missing(limit: number): ProgramDigest[] {
    const awaited = this.#statements.missing.all(limit).map(({ digest }) => digest as ProgramDigest);
    return [...new Set([...this.#emptied, ...awaited])].slice(0, limit);
  }

  /** Programs that were found damaged and have not come again. */
  get damaged(): number {
    return this.#emptied.size;
  }
}

function digestOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
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
    behind: connection.prepare<[number], { id: number; digest: string }>(
      'SELECT id, digest FROM programs WHERE id > ? AND body IS NOT NULL ORDER BY id LIMIT 1',
    ),
    next: connection.prepare<[string], { digest: string; body: Uint8Array }>(
      'SELECT digest, body FROM programs WHERE digest > ? AND body IS NOT NULL ORDER BY digest LIMIT 1',
    ),
    empty: connection.prepare<[string], never>('UPDATE programs SET body = NULL WHERE digest = ?'),
    // Those that nobody holds an update for: once applied, an update's program was here.
    emptied: connection.prepare<[], { digest: string }>(
      `SELECT digest FROM programs p WHERE body IS NULL AND NOT EXISTS
         (SELECT 1 FROM held_updates h JOIN update_log u ON u.id = h.update_row WHERE u.program = p.id)`,
    ),
    missing: connection.prepare<[number], { digest: string }>(
      `SELECT DISTINCT p.digest FROM held_updates h JOIN update_log u ON u.id = h.update_row
       JOIN programs p ON p.id = u.program WHERE p.body IS NULL LIMIT ?`,
    ),
  };
}
