import type { Dot } from '../clocks/dot.ts';
import { type Timestamp, timestamp } from '../clocks/hlc.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { Purge } from '../wafer/purge.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/** A purge that is applied here. */
export interface StoredPurge extends Omit<Purge, 'purged'> {
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  /** Updates that it names. */
  readonly updates: number;
  /** Of those, stubs here. */
  readonly stubs: number;
}

/** An update that has its values, and may be purged. */
export interface Purgeable {
  readonly row: number;
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  /** Of its payload. */
  readonly bytes: number;
}

/** Where a search for purgeable updates goes on. */
export type PurgeablePlace = Pick<Purgeable, 'timestamp' | 'row'>;

/** The purges applied here, and what they name. */
export class Purges {
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  /** Folds a purge. */
  add({ author, reason, termDays, purged }: Purge, updateRow: number): void {
    this.#statements.add.run(updateRow, author, reason, termDays, purged.length);
    for (const { dot, stubDigest } of purged) {
      this.#statements.name.run(this.#keys.origin(dot), dot.sequence, updateRow, stubDigest);
    }
  }

  /** Digests of the stubs that purges name under a dot. */
  namedUnder(dot: Dot): Uint8Array[] {
    const origin = this.#keys.findOrigin(dot);
    if (origin === null) return [];
    return this.#statements.named.all(origin, dot.sequence).map(({ stubDigest }) => stubDigest);
  }

  /** Whether a purge names just this stub. */
  names(dot: Dot, stubDigest: Uint8Array): boolean {
    return this.namedUnder(dot).some((named) => Buffer.compare(named, stubDigest) === 0);
  }

  /** Of some stubs here, those that a purge among some updates names. */
  namedBy(among: TransportVector, stubs: TransportVector): TransportVector {
    return stubs.map((origin, { intervals }) => {
      const key = this.#keys.findOrigin(origin);
      const named = intervals.flatMap(({ from, to }) => {
        const rows = key === null ? [] : this.#statements.namers.all(key, from, to);
        return rows.filter((row) => among.has(this.#keys.dot(row.purgeOrigin, row.purgeSequence)));
      });
      return IntervalSet.of(named.map(({ sequence }) => ({ from: sequence, to: sequence })));
    });
  }

  /** The purge that named a stub first; null where none here does. */
  of(dot: Dot): StoredPurge | null {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.of.get(origin, dot.sequence);
    return row ? this.#stored(row) : null;
  }

  /** The latest purges, by the time of their birth. */
  list(limit: number): StoredPurge[] {
    return this.#statements.list.all(limit).map((row) => this.#stored(row));
  }

  /** Applied results born before a time, that have their values and are sound: the oldest first, behind a place. */
  purgeable(before: Timestamp, after: PurgeablePlace | null, limit: number): Purgeable[] {
    const from = [after?.timestamp ?? -1, after?.row ?? 0] as const;
    return this.#statements.purgeable.all(...from, before, limit).map(({ origin, sequence, ...row }) => ({
      row: row.id,
      dot: this.#keys.dot(origin, sequence),
      timestamp: timestamp(row.timestamp),
      bytes: row.bytes,
    }));
  }

  /** How many purges are applied here, and how many updates they name. */
  totals(): { readonly purges: number; readonly updates: number } {
    return this.#statements.totals.get()!;
  }

  #stored({ origin, sequence, ...row }: PurgeRow): StoredPurge {
    return { ...row, dot: this.#keys.dot(origin, sequence), timestamp: timestamp(row.timestamp) };
  }
}

interface PurgeRow {
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly author: string;
  readonly reason: string;
  readonly termDays: number;
  readonly updates: number;
  readonly stubs: number;
}

interface PurgeableRow {
  readonly id: number;
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly bytes: number;
}

const PURGE = `
  SELECT u.origin, u.sequence, u.timestamp, p.author, p.reason, p.term_days AS termDays, p.updates,
    (SELECT count(*) FROM purged_updates n JOIN update_log s ON s.origin = n.origin AND s.sequence = n.sequence
     WHERE n.purge = p.update_row AND s.stub_digest = n.stub_digest) AS stubs
  FROM purges p JOIN update_log u ON u.id = p.update_row`;

function statements(connection: Connection) {
  return {
    add: connection.prepare<[number, string, string, number, number], never>(
      'INSERT INTO purges (update_row, author, reason, term_days, updates) VALUES (?, ?, ?, ?, ?)',
    ),
    name: connection.prepare<[number, number, number, Uint8Array], never>(
      'INSERT INTO purged_updates (origin, sequence, purge, stub_digest) VALUES (?, ?, ?, ?)',
    ),
    named: connection.prepare<[number, number], { stubDigest: Uint8Array }>(
      'SELECT stub_digest AS stubDigest FROM purged_updates WHERE origin = ? AND sequence = ?',
    ),
    namers: connection.prepare<
      [number, number, number],
      { sequence: number; purgeOrigin: number; purgeSequence: number }
    >(
      `SELECT n.sequence, p.origin AS purgeOrigin, p.sequence AS purgeSequence
       FROM purged_updates n JOIN update_log p ON p.id = n.purge
         JOIN update_log s ON s.origin = n.origin AND s.sequence = n.sequence
       WHERE n.origin = ? AND n.sequence BETWEEN ? AND ? AND s.stub_digest = n.stub_digest`,
    ),
    of: connection.prepare<[number, number], PurgeRow>(
      `${PURGE} JOIN purged_updates n ON n.purge = p.update_row WHERE n.origin = ? AND n.sequence = ?
       ORDER BY u.timestamp LIMIT 1`,
    ),
    totals: connection.prepare<[], { purges: number; updates: number }>(
      'SELECT count(*) AS purges, ifnull(sum(updates), 0) AS updates FROM purges',
    ),
    list: connection.prepare<[number], PurgeRow>(
      `${PURGE} ORDER BY u.timestamp DESC, p.update_row DESC LIMIT ?`,
    ),
    purgeable: connection.prepare<[number, number, number, number], PurgeableRow>(
      `SELECT u.id, u.origin, u.sequence, u.timestamp, length(u.payload) AS bytes
       FROM update_log u INDEXED BY update_log_in_full
       WHERE u.kind = 'results' AND u.stub_digest IS NULL AND (u.timestamp, u.id) > (?, ?) AND u.timestamp < ?
         AND NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)
         AND NOT EXISTS (SELECT 1 FROM damaged_updates d WHERE d.update_row = u.id)
       ORDER BY u.timestamp, u.id LIMIT ?`,
    ),
  };
}
