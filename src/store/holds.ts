import type { Dot, FabId } from '../clocks/dot.ts';
import { timestamp } from '../clocks/hlc.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';
import type { HeldUpdate, HoldReason } from './types.ts';

/** That somebody said that an update is not to be waited for. */
export interface HeldDrop {
  readonly author: string;
  readonly reason: string;
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z. */
  readonly atMs: number;
}

/** A held update as people see it. */
export interface Hold extends HeldUpdate {
  /** Local number of the update: orders by arrival. */
  readonly row: number;
  /** Null where it is about none. */
  readonly wafer: WaferKey | null;
  /** Its size in the log. */
  readonly bytes: number;
  /** Its bytes were found damaged, and it has not come again. */
  readonly damaged: boolean;
  /** Null where it is waited for. */
  readonly dropped: HeldDrop | null;
}

/** Which held updates are asked for; null matches all. */
export interface HoldFilter {
  readonly reason: HoldReason | null;
  readonly fab: FabId | null;
  readonly lot: string | null;
}

/** What is held, as people see it and say what is to become of it. */
export class Holds {
  readonly #connection: Connection;
  readonly #keys: LocalKeys;
  readonly #world: World;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys, world: World) {
    this.#connection = connection;
    this.#keys = keys;
    this.#world = world;
    this.#statements = statements(connection);
  }

  /** Held updates behind a row, in order of arrival. */
  page({ reason, fab, lot }: HoldFilter, row: number, limit: number): Hold[] {
    return this.#statements.page.all(row, reason, fab, lot, limit).map((held) => this.#holdOf(held));
  }

  /** The held update under a dot; null where none is. */
  find(dot: Dot): Hold | null {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.find.get(origin, dot.sequence);
    return row ? this.#holdOf(row) : null;
  }

  /** Inside a transaction: a held update is not waited for from now on. The latest word counts. */
  drop({ row }: Hold, author: string, reason: string): void {
    this.#connection.requireTransaction();
    this.#statements.drop.run(row, author, reason, Math.floor(this.#world.nowMs()));
  }

  /** Inside a transaction: a held update is waited for again. */
  takeUp({ row }: Hold): void {
    this.#connection.requireTransaction();
    this.#statements.takeUp.run(row);
  }

  /** Held updates that are not waited for; without those whose bytes are damaged, which are not received. */
  get dropped(): number {
    return this.#statements.dropped.get()!.count;
  }

  #holdOf(row: HoldRow): Hold {
    const { origin, sequence, waferId, lot, insertion, dropAuthor, dropReason, dropMs, damaged, ...held } =
      row;
    return {
      ...held,
      dot: this.#keys.dot(origin, sequence),
      timestamp: timestamp(row.timestamp),
      wafer: waferId === null ? null : { lot: lot ?? '', waferId, insertion: insertion ?? '' },
      damaged: damaged === 1,
      dropped: dropMs === null ? null : { author: dropAuthor ?? '', reason: dropReason ?? '', atMs: dropMs },
    };
  }
}

interface HoldRow extends Omit<Hold, 'dot' | 'timestamp' | 'wafer' | 'damaged' | 'dropped'> {
  readonly origin: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly waferId: string | null;
  readonly lot: string | null;
  readonly insertion: string | null;
  readonly damaged: 0 | 1;
  readonly dropAuthor: string | null;
  readonly dropReason: string | null;
  readonly dropMs: number | null;
}

const HELD = `SELECT h.update_row AS row, u.origin, u.sequence, u.kind, u.timestamp, h.reason, h.detail,
    h.held_at_ms AS sinceMs, length(u.header) + length(u.payload) AS bytes, w.wafer_id AS waferId, w.lot, w.insertion,
    EXISTS (SELECT 1 FROM damaged_updates x WHERE x.update_row = u.id) AS damaged,
    d.author AS dropAuthor, d.reason AS dropReason, d.dropped_at_ms AS dropMs
  FROM held_updates h CROSS JOIN update_log u ON u.id = h.update_row JOIN origins o ON o.id = u.origin
    LEFT JOIN wafers w ON w.id = u.wafer LEFT JOIN dropped_updates d ON d.update_row = h.update_row`;

function statements(connection: Connection) {
  return {
    page: connection.prepare<[number, string | null, string | null, string | null, number], HoldRow>(
      `${HELD} WHERE h.update_row > ? AND h.reason = coalesce(?, h.reason) AND o.fab = coalesce(?, o.fab)
         AND w.lot IS coalesce(?, w.lot) ORDER BY h.update_row LIMIT ?`,
    ),
    find: connection.prepare<[number, number], HoldRow>(`${HELD} WHERE u.origin = ? AND u.sequence = ?`),
    drop: connection.prepare<[number, string, string, number], never>(
      'INSERT OR REPLACE INTO dropped_updates (update_row, author, reason, dropped_at_ms) VALUES (?, ?, ?, ?)',
    ),
    takeUp: connection.prepare<[number], never>('DELETE FROM dropped_updates WHERE update_row = ?'),
    dropped: connection.prepare<[], { count: number }>(
      `SELECT count(*) AS count FROM dropped_updates d
       WHERE NOT EXISTS (SELECT 1 FROM damaged_updates x WHERE x.update_row = d.update_row)`,
    ),
  };
}
