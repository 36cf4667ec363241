import type { AttemptSummary } from '../../wafer/attempt.ts';
import type { Connection } from '../connection.ts';

interface CountingAttempt {
  readonly run: number;
  readonly index: number;
  readonly hardBin: number | null;
  readonly softBin: number | null;
  readonly passed: number | null;
  /** Attempts at the die. */
  readonly attempts: number;
}

/** The dies: which attempt of each counts under the rule "last". Attempts without coordinates are of no die. */
export class DieFold {
  readonly #statements;

  constructor(connection: Connection) {
    this.#statements = statements(connection);
  }

  /**
   * Takes in a new attempt, which is in the table of attempts already.
   * @param passed 1, 0, or null where the flags do not say
   */
  add(wafer: number, run: number, attempt: AttemptSummary, passed: number | null): void {
    const { x, y, index, hardBin, softBin } = attempt;
    if (x === null || y === null) return;
    if (this.#statements.first.run(wafer, x, y, run, index, hardBin, softBin, passed) > 0) return;
    const shown = this.#statements.shown.get(wafer, x, y)!;
    if (shown.run !== run) this.recount(wafer, x, y);
    else if (shown.index > index) this.#statements.older.run(wafer, x, y);
    else this.#statements.newer.run(index, hardBin, softBin, passed, wafer, x, y);
  }

  /** Works out one die from its attempts. */
  recount(wafer: number, x: number | null, y: number | null): void {
    if (x === null || y === null) return;
    const last = this.#statements.last.get(wafer, x, y);
    if (!last) {
      this.#statements.remove.run(wafer, x, y);
      return;
    }
    const { attempts, run, index, hardBin, softBin, passed } = last;
    this.#statements.put.run(wafer, x, y, attempts, run, index, hardBin, softBin, passed);
  }

  /** Works out the dies whose order of attempts hangs on the start of a run. */
  recountRun(run: number): void {
    for (const { wafer, x, y } of this.#statements.retestedIn.all(run)) this.recount(wafer, x, y);
  }
}

function statements(connection: Connection) {
  type Die = [wafer: number, x: number, y: number];
  const shown = 'run, attempt_index, hard_bin, soft_bin, passed';
  return {
    first: connection.prepare<[...Die, number, number, ...(number | null)[]], never>(
      `INSERT INTO dies (wafer, x, y, attempts, ${shown}) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
    shown: connection.prepare<Die, { run: number; index: number }>(
      'SELECT run, attempt_index AS "index" FROM dies WHERE wafer = ? AND x = ? AND y = ?',
    ),
    older: connection.prepare<Die, never>(
      'UPDATE dies SET attempts = attempts + 1 WHERE wafer = ? AND x = ? AND y = ?',
    ),
    newer: connection.prepare<(number | null)[], never>(
      `UPDATE dies SET attempts = attempts + 1, attempt_index = ?, hard_bin = ?, soft_bin = ?, passed = ?
       WHERE wafer = ? AND x = ? AND y = ?`,
    ),
    last: connection.prepare<Die, CountingAttempt>(
      `SELECT count(*) OVER () AS attempts, a.run, a.attempt_index AS "index", a.hard_bin AS hardBin,
         a.soft_bin AS softBin, a.passed
       FROM attempts a JOIN runs r ON r.id = a.run WHERE a.wafer = ? AND a.x = ? AND a.y = ?
       ORDER BY r.started_at_us DESC, r.run_id DESC, a.attempt_index DESC LIMIT 1`,
    ),
    put: connection.prepare<(number | null)[], never>(
      `INSERT OR REPLACE INTO dies (wafer, x, y, attempts, ${shown}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    remove: connection.prepare<Die, never>('DELETE FROM dies WHERE wafer = ? AND x = ? AND y = ?'),
    retestedIn: connection.prepare<[run: number], { wafer: number; x: number; y: number }>(
      `SELECT DISTINCT a.wafer, a.x, a.y
       FROM attempts a JOIN dies d ON d.wafer = a.wafer AND d.x = a.x AND d.y = a.y
       WHERE a.run = ? AND d.attempts > 1`,
    ),
  };
}
