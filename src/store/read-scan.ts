import type { FabId } from '../clocks/dot.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection, Query, Value } from './connection.ts';
import type { WaferFilter } from './types.ts';

/** Which attempts are asked for; an absent part matches everything. */
export interface ReadFilter extends WaferFilter {
  readonly run?: RunId;
  /** Fab of the update that counts. */
  readonly fab?: FabId;
  readonly x?: number;
  readonly y?: number;
  /** Earliest start of the attempt (of its run where it has none), microseconds since 1970-01-01T00:00:00Z, included. */
  readonly startedFromUs?: number;
  /** Latest such start, excluded. */
  readonly startedToUs?: number;
}

/** A run that may hold attempts that are asked for. */
export interface ScannedRun {
  /** Local number. */
  readonly key: number;
  readonly id: RunId;
  readonly startedAtUs: number;
}

/** An attempt that was looked at. */
export interface ScannedAttempt extends WaferKey {
  readonly index: number;
  readonly updateRow: number;
  /** 1 where it is asked for, else 0. */
  readonly matches: number;
}

/** The statements that go through the attempts of one filter: run by run, and by index within a run. */
export class ReadScan {
  readonly #nextRun: Query<Value[], ScannedRun>;
  readonly #runValues: readonly Value[];
  readonly #attempts: Query<Value[], ScannedAttempt>;
  readonly #attemptValues: readonly Value[];

  constructor(connection: Connection, filter: ReadFilter) {
    const runs = runTerms(filter);
    const attempts = attemptTerms(filter);
    this.#runValues = runs.values;
    this.#attemptValues = attempts.values;
    this.#nextRun = connection.prepare(
      `SELECT r.id AS key, r.run_id AS id, r.started_at_us AS startedAtUs FROM runs r
       WHERE (r.started_at_us, r.run_id) > (?, ?) AND ${runs.sql} ORDER BY r.started_at_us, r.run_id LIMIT 1`,
    );
    this.#attempts = connection.prepare(
      `SELECT a.attempt_index AS "index", a.update_row AS updateRow, w.lot, w.wafer_id AS waferId, w.insertion,
         ifnull(${attempts.sql}, 0) AS matches
       FROM attempts a JOIN runs r ON r.id = a.run JOIN wafers w ON w.id = a.wafer
         JOIN update_log u ON u.id = a.update_row JOIN origins o ON o.id = u.origin
       WHERE a.run = ? AND a.attempt_index > ? ORDER BY a.attempt_index LIMIT ?`,
    );
  }

  /** The run behind another, by start and run id; the first one behind null. */
  runAfter(run: ScannedRun | null): ScannedRun | undefined {
    return this.#nextRun.get(run?.startedAtUs ?? Number.MIN_SAFE_INTEGER, run?.id ?? '', ...this.#runValues);
  }

  /** Attempts of a run behind an index, matching or not. */
  attemptsAfter(run: ScannedRun, index: number, limit: number): ScannedAttempt[] {
    return this.#attempts.all(...this.#attemptValues, run.key, index, limit);
  }
}

/** Terms of a condition, and the values of their marks. */
interface Terms {
  readonly sql: string;
  readonly values: readonly Value[];
}

function runTerms({ run, ...filter }: ReadFilter): Terms {
  const wafers = all(waferTerms(filter));
  const named = all([['r.run_id = ?', run]]);
  if (wafers.values.length === 0) return named;
  const pairs = 'SELECT rw.run FROM wafers w JOIN run_wafers rw ON rw.wafer = w.id';
  return {
    sql: `${named.sql} AND r.id IN (${pairs} WHERE ${wafers.sql})`,
    values: [...named.values, ...wafers.values],
  };
}

function attemptTerms(filter: ReadFilter): Terms {
  return all([
    ...waferTerms(filter),
    ['o.fab = ?', filter.fab],
    ['a.x = ?', filter.x],
    ['a.y = ?', filter.y],
    ['ifnull(a.started_at_us, r.started_at_us) >= ?', filter.startedFromUs],
    ['ifnull(a.started_at_us, r.started_at_us) < ?', filter.startedToUs],
  ]);
}

function waferTerms({ waferId, lot, insertion }: WaferFilter): [string, Value | undefined][] {
  return [
    ['w.wafer_id = ?', waferId],
    ['w.lot = ?', lot],
    ['w.insertion = ?', insertion],
  ];
}

function all(terms: readonly (readonly [sql: string, value: Value | undefined])[]): Terms {
  const given = terms.filter(([, value]) => value !== undefined);
  return {
    sql: given.map(([sql]) => sql).join(' AND ') || '1',
    values: given.map(([, value]) => value as Value),
  };
}
