import type { Timestamp } from '../../clocks/hlc.ts';
import type { Connection } from '../connection.ts';
import type { Added } from './attempt-fold.ts';

/** What each run adds to each wafer. */
export class RunWaferFold {
  readonly #statements;

  constructor(connection: Connection) {
    this.#statements = statements(connection);
  }

  /** Takes in one results update; tells what is new by it: the wafer, its pair with the run, or neither. */
  add(run: number, wafer: number, timestamp: Timestamp, added: Added['wafer']): 'wafer' | 'pair' | null {
    const { attempts, results, firstIndex } = added;
    const { grow, hasWafer, insert } = this.#statements;
    if (grow.run(firstIndex, firstIndex, attempts, results, timestamp, timestamp, run, wafer) > 0)
      return null;
    const isNew = hasWafer.get(wafer) === undefined;
    insert.run(run, wafer, firstIndex, attempts, results, timestamp, timestamp);
    return isNew ? 'wafer' : 'pair';
  }

  /** Wafers that a run adds to. */
  wafersOf(run: number): number[] {
    return this.#statements.wafers.all(run).map(({ wafer }) => wafer);
  }

  /** Works out one pair again, after an attempt was found to belong to another wafer. */
  recount(run: number, wafer: number): void {
    const { attempts, results, firstIndex } = this.#statements.count.get(run, wafer)!;
    this.#statements.recount.run(firstIndex, attempts, results, run, wafer);
  }
}

function statements(connection: Connection) {
  return {
    grow: connection.prepare<(number | null)[], never>(
      `UPDATE run_wafers SET first_index = min(ifnull(first_index, ?), ifnull(?, first_index)),
         attempts = attempts + ?, results = results + ?, updates = updates + 1,
         first_timestamp = min(first_timestamp, ?), last_timestamp = max(last_timestamp, ?)
       WHERE run = ? AND wafer = ?`,
    ),
    hasWafer: connection.prepare<[number], { found: 1 }>(
      'SELECT 1 AS found FROM run_wafers WHERE wafer = ? LIMIT 1',
    ),
    wafers: connection.prepare<[number], { wafer: number }>('SELECT wafer FROM run_wafers WHERE run = ?'),
    insert: connection.prepare<(number | null)[], never>(
      `INSERT INTO run_wafers
         (run, wafer, first_index, attempts, results, updates, first_timestamp, last_timestamp)
       VALUES (?, ?, ?, ?, ?, 1, ?, ?)`,
    ),
    count: connection.prepare<
      [number, number],
      { attempts: number; results: number; firstIndex: number | null }
    >(
      `SELECT count(*) AS attempts, ifnull(sum(results), 0) AS results, min(attempt_index) AS firstIndex
       FROM attempts WHERE run = ? AND wafer = ?`,
    ),
    recount: connection.prepare<(number | null)[], never>(
      'UPDATE run_wafers SET first_index = ?, attempts = ?, results = ? WHERE run = ? AND wafer = ?',
    ),
  };
}
