import type { RunId } from '../wafer/run.ts';
import { countingAttempts, type ViewedAttempt, type YieldView } from '../wafer/views.ts';
import type { Connection, Query } from './connection.ts';

/** An attempt of a wafer, as views need it. */
export interface WaferAttempt extends ViewedAttempt {
  readonly run: RunId;
  /** Index in the run. */
  readonly index: number;
  /** Hard bin; null if none. */
  readonly hardBin: number | null;
  /** Soft bin; null if none. */
  readonly softBin: number | null;
  /** Attempts at its die; 1 without coordinates. */
  readonly attempts: number;
}

/** Attempts that count and say the same. */
export interface OutcomeCount {
  readonly hardBin: number | null;
  readonly softBin: number | null;
  /** 1 passed, 0 failed, null where the flags do not say. */
  readonly passed: number | null;
  /** How many. */
  readonly parts: number;
}

/** Attempts by verdict. What says neither passed nor failed is in `parts` alone. */
export interface VerdictCount {
  readonly parts: number;
  readonly passed: number;
  readonly failed: number;
}

/** What SQL tells of a set of attempts that count. */
interface Counted {
  readonly verdicts: Query<[wafer: number], VerdictCount>;
  readonly outcomes: Query<[wafer: number], OutcomeCount>;
  readonly rows: Query<[wafer: number], AttemptRow>;
}

/** What counts by a view: sets that SQL can count, and the attempts that had to be looked at. */
export interface Counting {
  readonly sets: readonly Counted[];
  readonly chosen: Iterable<WaferAttempt>;
}

/** Attempts of one page. */
const PAGE_ATTEMPTS = 1000;

/**
 * The attempts of a wafer that count by a view. A die with one attempt counts alike by all views but `flagged`, so that
 * only dies that were tested again are looked at; under `flagged` an attempt may end one of another place, and all are.
 */
export class CountingAttempts {
  readonly #statements;
  readonly #pageAttempts: number;

  constructor(connection: Connection, pageAttempts = PAGE_ATTEMPTS) {
    this.#statements = statements(connection);
    this.#pageAttempts = pageAttempts;
  }

  /** What counts of a wafer's attempts. */
  of(wafer: number, view: YieldView): Counting {
    const { dies, once, retested } = this.#statements;
    if (view === 'flagged') return { sets: [], chosen: countingAttempts(this.#inOrder(wafer), view) };
    if (view === 'last') return { sets: [dies, ...this.#unplaced(wafer)], chosen: [] };
    const chosen = countingAttempts(retested.all(wafer).map(toAttempt), view);
    return { sets: [once, ...this.#unplaced(wafer)], chosen };
  }

  /** The same, attempt by attempt, in no order. */
  rows(wafer: number, view: YieldView): WaferAttempt[] {
    const { sets, chosen } = this.of(wafer, view);
    return [...sets.flatMap(({ rows }) => rows.all(wafer).map(toAttempt)), ...chosen];
  }

  #unplaced(wafer: number): Counted[] {
    const { unplaced, hasUnplaced } = this.#statements;
    return hasUnplaced.get(wafer, wafer)!.found === 1 ? [unplaced] : [];
  }

  /** All attempts, in order. A run tells how many it has of the wafer and where they begin: no more of it is read. */
  *#inOrder(wafer: number): Generator<WaferAttempt, void, void> {
    const { runs, page } = this.#statements;
    for (const { run, firstIndex, attempts } of runs.all(wafer)) {
      let from = firstIndex;
      for (let left = attempts; left > 0; ) {
        const rows = page.all(run, from, wafer, Math.min(left, this.#pageAttempts));
        if (rows.length === 0) break;
        yield* rows.map(toAttempt);
        left -= rows.length;
        from = rows.at(-1)!.index + 1;
      }
    }
  }
}

interface AttemptRow extends Omit<WaferAttempt, 'passed'> {
  readonly passed: number | null;
}

interface RunShare {
  readonly run: number;
  readonly firstIndex: number;
  readonly attempts: number;
}

function toAttempt(row: AttemptRow): WaferAttempt {
  return { ...row, passed: row.passed === null ? null : row.passed === 1 };
}

const COLUMNS = `a.x, a.y, a.hard_bin AS hardBin, a.soft_bin AS softBin, a.passed, a.attempt_index AS "index"`;
const ATTEMPT = `${COLUMNS}, r.run_id AS run, a.part_id AS partId, a.part_flags AS partFlags`;
/** A row of dies has no part id and flags. No view that is counted by SQL looks at them. */
const DIE = `${COLUMNS}, r.run_id AS run, a.attempts, '' AS partId, 0 AS partFlags`;

function statements(connection: Connection) {
  const prepare = <Row>(sql: string) => connection.prepare<[wafer: number], Row>(sql);
  const counted = (from: string, columns: string): Counted => ({
    verdicts: prepare(
      `SELECT count(*) AS parts, ifnull(sum(a.passed = 1), 0) AS passed, ifnull(sum(a.passed = 0), 0) AS failed
       ${from}`,
    ),
    outcomes: prepare(
      `SELECT a.hard_bin AS hardBin, a.soft_bin AS softBin, a.passed, count(*) AS parts ${from}
       GROUP BY a.hard_bin, a.soft_bin, a.passed`,
    ),
    rows: prepare(`SELECT ${columns} ${from.replace(' WHERE ', ' JOIN runs r ON r.id = a.run WHERE ')}`),
  });
  return {
    dies: counted('FROM dies a WHERE a.wafer = ?', DIE),
    once: counted('FROM dies a WHERE a.wafer = ? AND a.attempts = 1', DIE),
    // No index leads to attempts without coordinates: the runs of the wafer are gone through.
    unplaced: counted(
      `FROM run_wafers rw JOIN attempts a ON a.run = rw.run AND a.wafer = rw.wafer
       WHERE rw.wafer = ? AND a.x IS NULL`,
      `${ATTEMPT}, 1 AS attempts`,
    ),
    hasUnplaced: connection.prepare<[wafer: number, again: number], { found: number }>(
      `SELECT ifnull((SELECT sum(attempts) FROM run_wafers WHERE wafer = ?), 0)
         > ifnull((SELECT sum(attempts) FROM dies WHERE wafer = ?), 0) AS found`,
    ),
    // CROSS keeps the dies in front: by itself SQLite goes through all attempts, and looks up the die of each.
    retested: prepare<AttemptRow>(
      `SELECT ${ATTEMPT}, d.attempts
       FROM dies d CROSS JOIN attempts a ON a.wafer = d.wafer AND a.x = d.x AND a.y = d.y JOIN runs r ON r.id = a.run
       WHERE d.wafer = ? AND d.attempts > 1 ORDER BY r.started_at_us, r.run_id, a.attempt_index`,
    ),
    runs: prepare<RunShare>(
      `SELECT rw.run, rw.first_index AS firstIndex, rw.attempts FROM run_wafers rw JOIN runs r ON r.id = rw.run
       WHERE rw.wafer = ? AND rw.attempts > 0 ORDER BY r.started_at_us, r.run_id`,
    ),
    page: connection.prepare<[run: number, from: number, wafer: number, limit: number], AttemptRow>(
      `SELECT ${ATTEMPT}, ifnull(d.attempts, 1) AS attempts
       FROM attempts a JOIN runs r ON r.id = a.run
         LEFT JOIN dies d ON d.wafer = a.wafer AND d.x = a.x AND d.y = a.y
       WHERE a.run = ? AND a.attempt_index >= ? AND a.wafer = ? ORDER BY a.attempt_index LIMIT ?`,
    ),
  };
}
