import { type Dot, type Epoch, type FabId, type Origin, sequence } from '../clocks/dot.ts';
import type { Update } from '../wafer/update.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';
import { openSealed, type SealedRow } from './sealed.ts';
import type { Decoders } from './types.ts';
import type { UpdateLog } from './update-log.ts';

/** An update that gave way, and has not been issued again. */
export interface ForkedUpdate {
  readonly place: ForkedPlace;
  /** Of header and payload. */
  readonly bytes: number;
  /** The update. @throws DamagedUpdate where its bytes are no longer what they were */
  open(): Update;
}

/** Where a search for them goes on. */
export interface ForkedPlace {
  readonly epoch: Epoch;
  readonly sequence: number;
  /** Local number. */
  readonly id: number;
}

/** Before all of them. */
export const FIRST_FORKED: ForkedPlace = { epoch: 0 as Epoch, sequence: 0, id: 0 };

/** Updates that gave way to others with the same dots. */
export class Forks {
  readonly #keys: LocalKeys;
  readonly #log: UpdateLog;
  readonly #decoders: Pick<Decoders, 'decodeHeader'>;
  readonly #world: World;
  readonly #statements;

  constructor(
    connection: Connection,
    keys: LocalKeys,
    log: UpdateLog,
    decoders: Pick<Decoders, 'decodeHeader'>,
    world: World,
  ) {
    this.#keys = keys;
    this.#log = log;
    this.#decoders = decoders;
    this.#world = world;
    this.#statements = statements(connection);
  }

  /** How many gave way. */
  get count(): number {
    return this.#statements.count.get()!.count;
  }

  /** Whether just this update gave way here, and is kept. */
  keeps({ header, digest }: Update): boolean {
    const origin = this.#keys.findOrigin(header.dot);
    return origin !== null && this.#statements.kept.get(origin, header.dot.sequence, digest) !== undefined;
  }

  /** Inside a transaction, while the folds are empty: an update is in the log no more, and kept here. */
  keep(dot: Dot): void {
    const origin = this.#keys.origin(dot);
    this.#statements.keep.run(Math.floor(this.#world.nowMs()), origin, dot.sequence);
    this.#log.remove(dot);
  }

  /** Those that were born at a fab and are not issued again yet, in their order, behind a place. */
  unissued(fab: FabId, after: ForkedPlace, limit: number): ForkedUpdate[] {
    const { epoch, sequence: from, id: behind } = after;
    const rows = this.#statements.unissued.all(fab, epoch, from, behind, limit);
    return rows.map(({ id, origin, sequence: position, ...row }) => {
      const dot = this.#keys.dot(origin, position);
      const { header, payload } = row;
      return {
        place: { epoch: dot.epoch, sequence: position, id },
        bytes: header.length + payload.length,
        open: () => openSealed(row, dot, this.#decoders),
      };
    });
  }

  /** Inside a transaction: one is issued again under another dot. */
  reissued(id: number, dot: Dot): void {
    this.#statements.reissued.run(this.#keys.origin(dot), dot.sequence, id);
  }

  /** The dot under which an update that gave way was issued again; null where it was not. */
  successorOf(dot: Dot): Dot | null {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.successor.get(origin, dot.sequence);
    return row ? this.#keys.dot(row.origin, row.sequence) : null;
  }

  /** Least sequence of an origin that gave way; null where none did. */
  firstOf(origin: Origin): number | null {
    const key = this.#keys.findOrigin(origin);
    const first = key === null ? null : (this.#statements.first.get(key)?.first ?? null);
    return first === null ? null : sequence(first);
  }
}

function statements(connection: Connection) {
  return {
    count: connection.prepare<[], { count: number }>('SELECT count(*) AS count FROM forked_updates'),
    kept: connection.prepare<[number, number, Uint8Array], { id: number }>(
      'SELECT id FROM forked_updates WHERE origin = ? AND sequence = ? AND digest = ?',
    ),
    keep: connection.prepare<[number, number, number], never>(
      `INSERT OR IGNORE INTO forked_updates (origin, sequence, digest, header, payload, stub_digest, forked_at_ms)
       SELECT origin, sequence, digest, header, payload, stub_digest, ? FROM update_log WHERE origin = ? AND sequence = ?`,
    ),
    unissued: connection.prepare<
      [string, number, number, number, number],
      SealedRow & { id: number; origin: number; sequence: number }
    >(
      `SELECT f.id, f.origin, f.sequence, f.header, f.payload, f.digest, f.stub_digest AS stubDigest
       FROM forked_updates f JOIN origins o ON o.id = f.origin
       WHERE o.fab = ? AND f.reissued_origin IS NULL AND (o.epoch, f.sequence, f.id) > (?, ?, ?)
       ORDER BY o.epoch, f.sequence, f.id LIMIT ?`,
    ),
    reissued: connection.prepare<[number, number, number], never>(
      'UPDATE forked_updates SET reissued_origin = ?, reissued_sequence = ? WHERE id = ?',
    ),
    successor: connection.prepare<[number, number], { origin: number; sequence: number }>(
      `SELECT reissued_origin AS origin, reissued_sequence AS sequence FROM forked_updates
       WHERE origin = ? AND sequence = ? AND reissued_origin IS NOT NULL`,
    ),
    first: connection.prepare<[number], { first: number | null }>(
      'SELECT min(sequence) AS first FROM forked_updates WHERE origin = ?',
    ),
  };
}
