import type { Dot } from '../clocks/dot.ts';
import { type Timestamp, timestamp } from '../clocks/hlc.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { UpdateKind } from '../wafer/update.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';
import type { HeldUpdate, HoldReason } from './types.ts';

/** Rows of held_updates: what is received, not applied, and why. */
export class HeldUpdates {
  readonly #keys: LocalKeys;
  readonly #world: World;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys, world: World) {
    this.#keys = keys;
    this.#world = world;
    this.#statements = statements(connection);
  }

  /** Holds an update; tells whether it was not held before. */
  put(updateRow: number, reason: HoldReason, detail: string): boolean {
    if (this.#statements.change.run(reason, detail, updateRow) > 0) return false;
    this.#statements.add.run(updateRow, reason, detail, Math.floor(this.#world.nowMs()));
    return true;
  }

  /** Ends a hold; tells whether there was one. */
  end(updateRow: number): boolean {
    return this.#statements.end.run(updateRow) > 0;
  }

  count(): number {
    return this.#statements.count.get()!.count;
  }

  /** How many are held for each reason, without those that somebody dropped; no reason of which there is none. */
  byReason(): ReadonlyMap<HoldReason, number> {
    return new Map(this.#statements.byReason.all().map(({ reason, count }) => [reason, count]));
  }

  /** In order of arrival. */
  list(limit: number): HeldUpdate[] {
    return this.#statements.list.all(limit).map((row) => ({
      dot: this.#keys.dot(row.origin, row.sequence),
      kind: row.kind,
      timestamp: timestamp(row.timestamp),
      reason: row.reason,
      detail: row.detail,
      sinceMs: row.sinceMs,
    }));
  }

  /** Dots of those that are waited for and held for one of these reasons, in order of arrival, behind a row; with their rows. */
  after(
    reasons: readonly HoldReason[],
    row: number,
    limit: number,
  ): { readonly dot: Dot; readonly row: number }[] {
    const rows = this.#statements.after.all(row, JSON.stringify(reasons), limit);
    return rows.map(({ id, origin, sequence }) => ({ dot: this.#keys.dot(origin, sequence), row: id }));
  }

  /** Least timestamp of those that are waited for, too far ahead, and sound: what is damaged is tried once it has come again. Null without one. */
  earliestAhead(): Timestamp | null {
    const earliest = this.#statements.earliestAhead.get()?.timestamp ?? null;
    return earliest === null ? null : timestamp(earliest);
  }

  /** Dots of those that wait for a program, in order of arrival; without those that somebody dropped. */
  forProgram(digest: ProgramDigest): Dot[] {
    return this.#statements.forProgram.all(digest).map((row) => this.#keys.dot(row.origin, row.sequence));
  }

  /** Dots of the stubs that waited for a purge, by its row; without those that somebody dropped. */
  forPurge(purge: number): Dot[] {
    return this.#statements.forPurge.all(purge).map((row) => this.#keys.dot(row.origin, row.sequence));
  }
}

interface DotRow {
  readonly origin: number;
  readonly sequence: number;
}

interface HeldRow extends DotRow {
  readonly kind: UpdateKind;
  readonly timestamp: number;
  readonly reason: HoldReason;
  readonly detail: string;
  readonly sinceMs: number;
}

/** What somebody dropped is not tried again by itself. */
const WAITED_FOR = 'NOT EXISTS (SELECT 1 FROM dropped_updates a WHERE a.update_row = h.update_row)';

function statements(connection: Connection) {
  return {
    change: connection.prepare<[HoldReason, string, number], never>(
      'UPDATE held_updates SET reason = ?, detail = ? WHERE update_row = ?',
    ),
    add: connection.prepare<[number, HoldReason, string, number], never>(
      'INSERT INTO held_updates (update_row, reason, detail, held_at_ms) VALUES (?, ?, ?, ?)',
    ),
    end: connection.prepare<[number], never>('DELETE FROM held_updates WHERE update_row = ?'),
    count: connection.prepare<[], { count: number }>('SELECT count(*) AS count FROM held_updates'),
    byReason: connection.prepare<[], { reason: HoldReason; count: number }>(
      `SELECT h.reason, count(*) AS count FROM held_updates h WHERE ${WAITED_FOR} GROUP BY h.reason`,
    ),
    list: connection.prepare<[number], HeldRow>(
      `SELECT u.origin, u.sequence, u.kind, u.timestamp, h.reason, h.detail, h.held_at_ms AS sinceMs
       FROM held_updates h JOIN update_log u ON u.id = h.update_row ORDER BY h.update_row LIMIT ?`,
    ),
    after: connection.prepare<[number, string, number], DotRow & { id: number }>(
      `SELECT h.update_row AS id, u.origin, u.sequence FROM held_updates h JOIN update_log u ON u.id = h.update_row
       WHERE h.update_row > ? AND h.reason IN (SELECT value FROM json_each(?)) AND ${WAITED_FOR}
       ORDER BY h.update_row LIMIT ?`,
    ),
    earliestAhead: connection.prepare<[], { timestamp: number | null }>(
      `SELECT min(u.timestamp) AS timestamp FROM held_updates h JOIN update_log u ON u.id = h.update_row
       WHERE h.reason = 'clock' AND ${WAITED_FOR} AND NOT EXISTS (SELECT 1 FROM damaged_updates d WHERE d.update_row = u.id)`,
    ),
    forProgram: connection.prepare<[string], DotRow>(
      `SELECT u.origin, u.sequence FROM held_updates h JOIN update_log u ON u.id = h.update_row
       JOIN programs p ON p.id = u.program WHERE p.digest = ? AND h.reason = 'program' AND ${WAITED_FOR}
       ORDER BY h.update_row`,
    ),
    forPurge: connection.prepare<[number], DotRow>(
      `SELECT u.origin, u.sequence FROM held_updates h JOIN update_log u ON u.id = h.update_row
       JOIN purged_updates n ON n.origin = u.origin AND n.sequence = u.sequence
       WHERE n.purge = ? AND h.reason = 'purge' AND ${WAITED_FOR} ORDER BY h.update_row`,
    ),
  };
}
