import type { AttemptSummary } from '../wafer/attempt.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';
import type { SiteProgress, StoredAttempt } from './types.ts';

/** The attempts that count here. */
export class Attempts {
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  /** Which of these indexes of a run are known here. */
  known(run: RunId, indexes: readonly number[]): Set<number> {
    const key = this.#keys.findRun(run);
    if (key === null) return new Set();
    return new Set(indexes.filter((index) => this.#statements.known.get(key, index) !== undefined));
  }

  /** One attempt; null where it is not known here. */
  find(run: RunId, index: number): StoredAttempt | null {
    const row = this.#statements.find.get(run, index);
    return row ? this.#stored(run, row) : null;
  }

  /** The attempt of (head, site) with index ≤ sequence ≤ index + sequenceSpan; null where there is none. */
  at(run: RunId, head: number, site: number, sequence: number): StoredAttempt | null {
    const row = this.#statements.at.get(run, sequence, head, site);
    return row && row.index + row.sequenceSpan >= sequence ? this.#stored(run, row) : null;
  }

  /** For each head and site of a run, the greatest stream sequence of its attempts. */
  lastSequences(run: RunId): SiteProgress[] {
    return this.#statements.lastSequences.all(run);
  }

  /** Greatest S such that every sequence from 1 to S belongs to an attempt of a run, and none of these goes on behind S. */
  through(run: RunId): number {
    return this.#statements.through.get(run)?.sequence ?? 0;
  }

  #stored(run: RunId, row: AttemptRow): StoredAttempt {
    const { origin, sequence, lot, waferId, insertion, ...attempt } = row;
    const wafer: WaferKey = { lot, waferId, insertion };
    const lastSequence = attempt.index + attempt.sequenceSpan;
    return { ...attempt, run, wafer, dot: this.#keys.dot(origin, sequence), lastSequence };
  }
}

interface AttemptRow extends AttemptSummary, WaferKey {
  readonly origin: number;
  readonly sequence: number;
}

function statements(connection: Connection) {
  return {
    known: connection.prepare<[number, number], { found: 1 }>(
      'SELECT 1 AS found FROM attempts WHERE run = ? AND attempt_index = ?',
    ),
    find: connection.prepare<[string, number], AttemptRow>(`${SELECT} AND a.attempt_index = ?`),
    at: connection.prepare<[string, number, number, number], AttemptRow>(
      `${SELECT} AND a.attempt_index <= ? AND a.head = ? AND a.site = ? ORDER BY a.attempt_index DESC LIMIT 1`,
    ),
    lastSequences: connection.prepare<[string], SiteProgress>(
      `SELECT head, site, max(attempt_index + sequence_span) AS lastSequence FROM attempts
       WHERE run = (SELECT id FROM runs WHERE run_id = ?) GROUP BY head, site ORDER BY head, site`,
    ),
    // A sequence is in one attempt at most: S results that all lie within 1 to S leave none of these out.
    through: connection.prepare<[string], { sequence: number | null }>(
      `SELECT max(last) AS sequence FROM (
         SELECT max(attempt_index + sequence_span) OVER so_far AS last, sum(results) OVER so_far AS results
         FROM attempts WHERE run = (SELECT id FROM runs WHERE run_id = ?)
         WINDOW so_far AS (ORDER BY attempt_index)
       ) WHERE results = last`,
    ),
  };
}

const SELECT = `
  SELECT a.attempt_index AS "index", a.head, a.site, a.x, a.y, a.part_id AS partId, a.hard_bin AS hardBin,
    a.soft_bin AS softBin, a.part_flags AS partFlags, a.test_count AS testCount, a.test_time_ms AS testTimeMs,
    a.started_at_us AS startedAtUs, a.sequence_span AS sequenceSpan, a.results AS resultCount,
    w.lot, w.wafer_id AS waferId, w.insertion, u.origin, u.sequence
  FROM attempts a JOIN wafers w ON w.id = a.wafer JOIN update_log u ON u.id = a.update_row
  WHERE a.run = (SELECT id FROM runs WHERE run_id = ?)`;
