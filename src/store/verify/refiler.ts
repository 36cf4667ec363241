import type { Dot } from '../../clocks/dot.ts';
import type { Connection } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import type { Programs } from '../programs.ts';
import type { UpdateLog } from '../update-log.ts';
import type { SubjectRow } from './subject-tables.ts';

/** What a refiler works with. */
export interface RefilerParts {
  readonly log: UpdateLog;
  readonly keys: LocalKeys;
  readonly programs: Programs;
}

/** Puts the columns of a row of the log, by which it is found, right by its header, which its digest covers. */
export class Refiler {
  readonly #connection: Connection;
  readonly #parts: RefilerParts;
  readonly #statements;

  constructor(connection: Connection, parts: RefilerParts) {
    this.#connection = connection;
    this.#parts = parts;
    this.#statements = {
      filed: connection.prepare<[number], { wafer: number | null; run: number | null }>(
        'SELECT wafer, run FROM update_log WHERE id = ?',
      ),
      file: connection.prepare<(number | string | null)[], never>(
        `UPDATE update_log SET timestamp = ?, kind = iif(kind = 'unknown', kind, ?), wafer = ?, run = ?, program = ?,
           version = ? WHERE id = ?`,
      ),
    };
  }

  /**
   * Inside a transaction: files an update where its header says, if it is sound. Gives the subjects where it was and is:
   * they are to be folded again; null where it is damaged, and stays as it is.
   */
  refile(dot: Dot): SubjectRow[] | null {
    this.#connection.requireTransaction();
    const { log, keys, programs } = this.#parts;
    const update = log.getSound(dot);
    if (!update) return null;
    // A key may have been changed under its number.
    keys.forget();
    const { id } = log.rowOf(dot);
    const before = this.#statements.filed.get(id)!;
    const { kind, timestamp, wafer, run, program, version } = update.header;
    const about = kind === 'run' || kind === 'purge' ? null : keys.wafer(wafer);
    const named = program ? keys.program(program) : null;
    if (program && !programs.has(program)) programs.ask(program);
    this.#statements.file.run(timestamp, kind, about, run ? keys.run(run.id) : null, named, version, id);
    const after = this.#statements.filed.get(id)!;
    return [before, after].flatMap(({ wafer: ofWafer, run: ofRun }): SubjectRow[] => [
      ...(ofWafer === null ? [] : [{ kind: 'wafer' as const, row: ofWafer }]),
      ...(ofRun === null ? [] : [{ kind: 'run' as const, row: ofRun }]),
    ]);
  }
}
