import type { FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import { DotQueries } from './dot-queries.ts';
import type { LocalKeys } from './keys.ts';
import { type RecordRow, recordOf } from './run-record-row.ts';
import type { RunRow, RunUpdate } from './types.ts';

/** Attempts looked at at once when a run is gone through. */
const PAGE_ATTEMPTS = 4096;

/** The runs known here: files and tester streams. */
export class Runs {
  readonly #keys: LocalKeys;
  readonly #dots: DotQueries;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#dots = new DotQueries(connection, keys);
    this.#statements = statements(connection);
  }

  /** What is known of a run; null before the first update of it is applied. */
  get(run: RunId): RunRow | null {
    const row = this.#statements.get.get(run);
    return row ? toRun(row) : null;
  }

  /** The runs that started last, latest first. */
  list(limit: number): RunRow[] {
    return this.#statements.list.all(limit).map(toRun);
  }

  /** Wafers of a run, by their first attempt. */
  wafers(run: RunId): WaferKey[] {
    return this.#statements.wafers.all(run);
  }

  /** Updates of a run that are here, held ones and such as added nothing included. */
  dots(run: RunId): TransportVector {
    return this.#dots.of('run', this.#keys.findRun(run));
  }

  /**
   * What the updates of a run bring, in the order of their first index that counts. Attempts are looked at in pages;
   * an update that lies across two pages comes twice, each time with other indexes. Between pages nothing is held
   * open, so that what is written meanwhile may show.
   */
  *updates(run: RunId): Generator<RunUpdate> {
    let after = -1;
    for (;;) {
      const rows = this.#statements.page.all(run, after, PAGE_ATTEMPTS);
      for (const own of Map.groupBy(rows, ({ updateRow }) => updateRow).values()) yield this.#update(own);
      if (rows.length < PAGE_ATTEMPTS) return;
      after = rows.at(-1)!.index;
    }
  }

  #update(rows: readonly PageRow[]): RunUpdate {
    const { origin, sequence, lot, waferId, insertion, index } = rows[0]!;
    return {
      dot: this.#keys.dot(origin, sequence),
      wafer: { lot, waferId, insertion },
      indexes: rows.map((row) => row.index),
      firstIndex: index,
    };
  }
}

interface PageRow extends WaferKey {
  readonly index: number;
  readonly updateRow: number;
  readonly origin: number;
  readonly sequence: number;
}

interface Row extends RecordRow {
  readonly run_id: string;
  readonly fab: string;
  readonly started_at_us: number;
  readonly attempts: number;
  readonly results: number;
}

function toRun(row: Row): RunRow {
  return {
    id: row.run_id as RunId,
    fab: row.fab as FabId,
    startedAtUs: row.started_at_us,
    attempts: row.attempts,
    results: row.results,
    record: recordOf(row),
  };
}

const SELECT = `
  SELECT r.*, o.fab, EXISTS (SELECT 1 FROM final_runs f WHERE f.run = r.id) AS final,
    (SELECT ifnull(sum(rw.attempts), 0) FROM run_wafers rw WHERE rw.run = r.id) AS attempts,
    (SELECT ifnull(sum(rw.results), 0) FROM run_wafers rw WHERE rw.run = r.id) AS results
  FROM runs r JOIN update_log u ON u.id = r.first_update JOIN origins o ON o.id = u.origin`;

function statements(connection: Connection) {
  return {
    get: connection.prepare<[string], Row>(`${SELECT} WHERE r.run_id = ?`),
    list: connection.prepare<[number], Row>(
      `${SELECT} WHERE r.started_at_us IS NOT NULL ORDER BY r.started_at_us DESC, r.run_id DESC LIMIT ?`,
    ),
    wafers: connection.prepare<[string], WaferKey>(
      `SELECT w.lot, w.wafer_id AS waferId, w.insertion FROM run_wafers rw JOIN wafers w ON w.id = rw.wafer
       WHERE rw.run = (SELECT id FROM runs WHERE run_id = ?)
       ORDER BY rw.first_index IS NULL, rw.first_index, w.lot, w.wafer_id, w.insertion`,
    ),
    page: connection.prepare<[string, number, number], PageRow>(
      `SELECT a.attempt_index AS "index", a.update_row AS updateRow, u.origin, u.sequence,
         w.lot, w.wafer_id AS waferId, w.insertion
       FROM attempts a JOIN update_log u ON u.id = a.update_row JOIN wafers w ON w.id = a.wafer
       WHERE a.run = (SELECT id FROM runs WHERE run_id = ?) AND a.attempt_index > ?
       ORDER BY a.attempt_index LIMIT ?`,
    ),
  };
}
