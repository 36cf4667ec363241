import { TransportVector } from '../clocks/transport-vector.ts';
import type { Connection } from './connection.ts';
import { type IntervalRow, vectorOf } from './interval-rows.ts';
import type { LocalKeys } from './keys.ts';

/** Vectors of the updates, held ones included, that name a wafer or a run. Each answers from one index alone. */
export class DotQueries {
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = { wafer: intervals(connection, 'wafer'), run: intervals(connection, 'run') };
  }

  /** @param key local number; null gives the empty vector */
  of(column: 'wafer' | 'run', key: number | null): TransportVector {
    return key === null ? TransportVector.empty : vectorOf(this.#keys, this.#statements[column].all(key));
  }
}

/** Rows of consecutive sequences share sequence − row number, so that they group into intervals. */
function intervals(connection: Connection, column: 'wafer' | 'run') {
  return connection.prepare<[number], IntervalRow>(
    `SELECT origin, min(sequence) AS first, max(sequence) AS last FROM (
       SELECT origin, sequence, sequence - row_number() OVER (PARTITION BY origin ORDER BY sequence) AS island
       FROM update_log WHERE ${column} = ?
     ) GROUP BY origin, island`,
  );
}
