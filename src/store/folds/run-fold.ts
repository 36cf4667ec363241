import { compareDots, type Dot } from '../../clocks/dot.ts';
import type { RunRecord } from '../../wafer/run.ts';
import type { Connection, Value } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import { RECORD_COLUMNS, recordValues } from '../run-record-row.ts';
import type { DieFold } from './die-fold.ts';

/** The runs: their start, and the record that counts. */
export class RunFold {
  readonly #keys: LocalKeys;
  readonly #dies: DieFold;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys, dies: DieFold) {
    this.#keys = keys;
    this.#dies = dies;
    this.#statements = statements(connection);
  }

  /**
   * Takes in that an update names the run: its smallest dot tells the start, by which attempts of a die order. Tells
   * whether a record has marked the run final, and whether its start is another now.
   */
  name(run: number, startedAtUs: number, dot: Dot, updateRow: number): { final: boolean; moved: boolean } {
    const known = this.#statements.start.get(run);
    let moved = false;
    if (!known || compareDots(this.#keys.dot(known.origin, known.sequence), dot) > 0) {
      this.#statements.setStart.run(startedAtUs, updateRow, run);
      moved = known !== undefined && known.startedAtUs !== startedAtUs;
      if (moved) this.#dies.recountRun(run);
    }
    return { final: known?.final === 1, moved };
  }

  /**
   * Takes in a record of the run: the one with the most attempts counts, then a complete one, then the smallest dot's.
   * Final is what any of them marks so.
   */
  record(run: number, record: RunRecord, dot: Dot, updateRow: number): void {
    if (record.final) this.#statements.setFinal.run(run);
    const known = this.#statements.record.get(run);
    if (known && !this.#replaces(record, dot, known)) return;
    this.#statements.setRecord.run(updateRow, ...recordValues(record), run);
  }

  #replaces(record: RunRecord, dot: Dot, known: RecordRow): boolean {
    if (record.attempts !== known.attempts) return record.attempts > known.attempts;
    if (record.complete !== (known.complete === 1)) return record.complete;
    return compareDots(dot, this.#keys.dot(known.origin, known.sequence)) < 0;
  }
}

interface RecordRow {
  readonly attempts: number;
  readonly complete: number;
  readonly origin: number;
  readonly sequence: number;
}

function statements(connection: Connection) {
  return {
    start: connection.prepare<
      [number],
      { startedAtUs: number; origin: number; sequence: number; final: number }
    >(
      `SELECT r.started_at_us AS startedAtUs, u.origin, u.sequence,
         EXISTS (SELECT 1 FROM final_runs f WHERE f.run = r.id) AS final
       FROM runs r JOIN update_log u ON u.id = r.first_update WHERE r.id = ?`,
    ),
    setStart: connection.prepare<[number, number, number], never>(
      'UPDATE runs SET started_at_us = ?, first_update = ? WHERE id = ?',
    ),
    setFinal: connection.prepare<[number], never>(
      'INSERT INTO final_runs (run) VALUES (?) ON CONFLICT DO NOTHING',
    ),
    record: connection.prepare<[number], RecordRow>(
      `SELECT r.record_attempts AS attempts, r.complete, u.origin, u.sequence
       FROM runs r JOIN update_log u ON u.id = r.record_update WHERE r.id = ?`,
    ),
    setRecord: connection.prepare<Value[], never>(
      `UPDATE runs SET record_update = ?, ${RECORD_COLUMNS.map((name) => `${name} = ?`).join(', ')} WHERE id = ?`,
    ),
  };
}
