import { epoch, type FabId, type Origin } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';
import { type IntervalRow, intervalChanges, vectorOf } from './interval-rows.ts';
import type { LocalKeys } from './keys.ts';
import type { PeerReport } from './types.ts';

type State = 'received' | 'applied';

/** What the other nodes have, by their latest reports. */
export class Peers {
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

  /**
   * Puts a report in the place of the one before of the same fab; reports are never joined. One that is not later, by
   * epoch and then number, changes nothing.
   */
  saveReport(report: PeerReport): void {
    this.#connection.write(() => {
      const { fab, epoch: life } = report.origin;
      const { save } = this.#statements;
      if (save.run(fab, life, report.number, Math.floor(this.#world.nowMs())) === 0) return;
      this.#saveVector(fab, 'received', report.received);
      this.#saveVector(fab, 'applied', report.applied);
    });
  }

  /** The latest report of each fab, by fab. */
  reports(): PeerReport[] {
    return this.#statements.all.all().map((row) => ({
      origin: { fab: row.fab as FabId, epoch: epoch(row.epoch) },
      number: row.number,
      applied: this.#vector(row.fab, 'applied'),
      received: this.#vector(row.fab, 'received'),
    }));
  }

  /** When the latest report of each fab came, milliseconds since 1970-01-01T00:00:00Z. */
  heardAtMs(): Map<FabId, number> {
    return new Map(this.#statements.heard.all().map(({ fab, savedAtMs }) => [fab as FabId, savedAtMs]));
  }

  #vector(fab: string, state: State): TransportVector {
    return vectorOf(this.#keys, this.#statements.intervals.all(fab, state));
  }

  #saveVector(fab: string, state: State, after: TransportVector): void {
    const before = this.#vector(fab, state);
    const origins: Origin[] = [...before.difference(after).entries(), ...after.entries()].map(
      ([origin]) => origin,
    );
    for (const origin of origins) {
      const { gone, put } = intervalChanges(before.get(origin), after.get(origin));
      const key = this.#keys.origin(origin);
      for (const from of gone) this.#statements.drop.run(fab, state, key, from);
      for (const { from, to } of put) this.#statements.put.run(fab, state, key, from, to);
    }
  }
}

function statements(connection: Connection) {
  return {
    save: connection.prepare<[string, number, number, number], never>(
      `INSERT INTO peers (fab, epoch, report_number, saved_at_ms) VALUES (?, ?, ?, ?)
       ON CONFLICT (fab) DO UPDATE
       SET epoch = excluded.epoch, report_number = excluded.report_number, saved_at_ms = excluded.saved_at_ms
       WHERE (excluded.epoch, excluded.report_number) > (peers.epoch, peers.report_number)`,
    ),
    all: connection.prepare<[], { fab: string; epoch: number; number: number }>(
      'SELECT fab, epoch, report_number AS number FROM peers ORDER BY fab',
    ),
    heard: connection.prepare<[], { fab: string; savedAtMs: number }>(
      'SELECT fab, saved_at_ms AS savedAtMs FROM peers',
    ),
    intervals: connection.prepare<[string, State], IntervalRow>(
      'SELECT origin, first, last FROM peer_intervals WHERE fab = ? AND state = ?',
    ),
    put: connection.prepare<[string, State, number, number, number], never>(
      'INSERT OR REPLACE INTO peer_intervals (fab, state, origin, first, last) VALUES (?, ?, ?, ?, ?)',
    ),
    drop: connection.prepare<[string, State, number, number], never>(
      'DELETE FROM peer_intervals WHERE fab = ? AND state = ? AND origin = ? AND first = ?',
    ),
  };
}
