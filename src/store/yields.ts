import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/**
 * Which attempt of a die counts: the last or the first, by start of the run, run id and index in the run, or, `raw`,
 * every one. Attempts without coordinates all count.
 */
export type YieldView = 'last' | 'first' | 'raw';

/** Attempts of a wafer that count. What says neither passed nor failed is in `parts` alone. */
export interface WaferYield {
  readonly parts: number;
  readonly passed: number;
  readonly failed: number;
}

/** Yields of wafers as they stand. Reads the dies, and of attempts as few as it can. */
export class Yields {
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  /** Yield of a wafer by a view; all 0 where the wafer is not known here. */
  of(key: WaferKey, view: YieldView): WaferYield {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return { parts: 0, passed: 0, failed: 0 };
    const { last, once, firstOfMany, placed, unplaced, hasUnplaced } = this.#statements;
    const parts = {
      last: () => [last.get(wafer)!],
      first: () => [once.get(wafer)!, firstOfMany.get(wafer)!],
      raw: () => [placed.get(wafer)!],
    }[view]();
    return sum(hasUnplaced.get(wafer, wafer)!.found === 1 ? [...parts, unplaced.get(wafer, wafer)!] : parts);
  }
}

function sum(parts: readonly WaferYield[]): WaferYield {
  return parts.reduce((a, b) => ({
    parts: a.parts + b.parts,
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
  }));
}

const COUNTS =
  'count(*) AS parts, ifnull(sum(passed = 1), 0) AS passed, ifnull(sum(passed = 0), 0) AS failed';

function statements(connection: Connection) {
  type OfWafer = [wafer: number];
  const count = (rest: string) => connection.prepare<OfWafer, WaferYield>(`SELECT ${COUNTS} ${rest}`);
  return {
    last: count('FROM dies WHERE wafer = ?'),
    once: count('FROM dies WHERE wafer = ? AND attempts = 1'),
    firstOfMany: count(
      `FROM (
         SELECT a.passed, row_number() OVER (
           PARTITION BY a.x, a.y ORDER BY r.started_at_us, r.run_id, a.attempt_index
         ) AS place
         FROM dies d JOIN attempts a ON a.wafer = d.wafer AND a.x = d.x AND a.y = d.y JOIN runs r ON r.id = a.run
         WHERE d.wafer = ? AND d.attempts > 1
       ) WHERE place = 1`,
    ),
    placed: count('FROM attempts WHERE wafer = ? AND x IS NOT NULL'),
    // No index leads to attempts without coordinates: the runs of the wafer are gone through.
    unplaced: connection.prepare<[...OfWafer, ...OfWafer], WaferYield>(
      `SELECT ${COUNTS} FROM run_wafers rw JOIN attempts a ON a.run = rw.run
       WHERE rw.wafer = ? AND a.wafer = ? AND a.x IS NULL`,
    ),
    hasUnplaced: connection.prepare<[...OfWafer, ...OfWafer], { found: number }>(
      `SELECT ifnull((SELECT sum(attempts) FROM run_wafers WHERE wafer = ?), 0)
         > ifnull((SELECT sum(attempts) FROM dies WHERE wafer = ?), 0) AS found`,
    ),
  };
}
