import { WafersyncError } from '../../errors.ts';
import type { RunId } from '../../wafer/run.ts';
import type { Subject } from '../../wafer/subject.ts';
import type { Connection } from '../connection.ts';
import { EMPTY_RUNS, type Folds } from '../folds/folds.ts';
import type { LocalKeys } from '../keys.ts';
import type { NodeState } from '../node-state.ts';
import { DamagedUpdate } from '../sealed.ts';
import type { UpdateLog } from '../update-log.ts';
import { type Component, Components, subjectsOf } from './component.ts';
import { differingTables, type SubjectRow, SubjectTables, type TableDigest } from './subject-tables.ts';

/** What a refolder works with. */
export interface RefolderParts {
  readonly log: UpdateLog;
  readonly folds: Folds;
  readonly state: NodeState;
  readonly keys: LocalKeys;
  /** What is remembered by the number of a row is forgotten. */
  readonly rowsGone: () => void;
}

/** A subject of which the tables were not what the log says. */
export interface Refolded extends SubjectRow {
  /** Tables that are others now. */
  readonly tables: readonly string[];
}

/**
 * Folds parts of the log again, and tells what comes out otherwise than it stood in the tables. What hangs together is
 * folded together; the rest stays as it is. That comes to the same as folding everything: what the tables hold in the end
 * hangs on which updates are applied, not on their order.
 */
export class Refolder {
  readonly #connection: Connection;
  readonly #parts: RefolderParts;
  readonly #components: Components;
  readonly #tables: SubjectTables;
  readonly #statements;

  constructor(connection: Connection, parts: RefolderParts) {
    this.#connection = connection;
    this.#parts = parts;
    this.#components = new Components(connection);
    this.#tables = new SubjectTables(connection);
    this.#statements = statements(connection);
  }

  /** What hangs together with a subject. */
  around(subject: SubjectRow): Component {
    return this.#components.around(subject);
  }

  /** A subject by its local number. */
  subjectOf({ kind, row }: SubjectRow): Subject {
    if (kind === 'wafer') return { kind, wafer: this.#parts.keys.waferAt(row) };
    if (kind === 'purge') return { kind, purge: this.#parts.keys.dotOf(row) };
    return { kind, run: this.#statements.run.get(row)!.run };
  }

  /**
   * Inside a transaction: folds what hangs together with a subject again. Tells what was wrong.
   * @throws DamagedUpdate where an update of it is damaged: it has to come again first
   */
  refold(subject: SubjectRow): Refolded[] {
    this.#connection.requireTransaction();
    // As of now: what was born since may have joined more.
    const component = this.around(subject);
    const subjects = subjectsOf(component);
    const before = subjects.map((one) => this.#tables.readNow(one));
    this.#empty(component);
    const rows = new Set(subjects.flatMap((one) => this.#appliedOf(one)));
    for (const row of [...rows].sort((a, b) => a - b)) {
      const { update, row: stored } = this.#parts.log.appliedAfter(row - 1)!;
      this.#fold(update, stored);
    }
    this.#recount();
    return subjects.flatMap((one, i) => this.#changed(one, before[i]!));
  }

  /** An update that cannot be read is no damaged disk: it fails this folding, and nothing that shares its commit. */
  #fold(...applied: Parameters<Folds['fold']>): void {
    try {
      this.#parts.folds.fold(...applied);
    } catch (thrown) {
      const error = WafersyncError.from(thrown);
      if (error.code !== 'damaged' || error instanceof DamagedUpdate) throw thrown;
      throw new WafersyncError('invalid', error.message, { hint: error.hint, cause: thrown });
    }
  }

  #changed(subject: SubjectRow, before: readonly TableDigest[]): Refolded[] {
    const tables = differingTables(before, this.#tables.readNow(subject));
    return tables.length === 0 ? [] : [{ ...subject, tables }];
  }

  #empty({ wafers, runs, purges }: Component): void {
    const { ofWafer, ofRun, ofPurge } = this.#statements.empty;
    for (const wafer of wafers) for (const statement of ofWafer) statement.run(wafer);
    for (const run of runs) for (const statement of ofRun) statement.run(run);
    for (const purge of purges) for (const statement of ofPurge) statement.run(purge);
    this.#parts.rowsGone();
    this.#parts.folds.forget();
  }

  #appliedOf({ kind, row }: SubjectRow): number[] {
    return this.#statements.applied[kind].all(row).map(({ id }) => id);
  }

  /** The sizes of the folds, by what stands in run_wafers now. */
  #recount(): void {
    const { state } = this.#parts;
    const { attempts, results, wafers } = this.#statements.totals.get()!;
    const { totals } = state;
    state.count({
      attempts: attempts - totals.attempts,
      results: results - totals.results,
      wafers: wafers - totals.wafers,
    });
  }
}

/** Tables that are emptied for a wafer; what others refer to comes last. */
const OF_WAFER = [
  'DELETE FROM conflict_members WHERE conflict IN (SELECT id FROM conflicts WHERE wafer = ?)',
  'DELETE FROM conflicts WHERE wafer = ?',
  'DELETE FROM settlements WHERE wafer = ?',
  `DELETE FROM attempts_seen WHERE update_row IN
     (SELECT id FROM update_log WHERE wafer = ? AND kind IN ('edit', 'retire'))`,
  `DELETE FROM fields_seen WHERE update_row IN
     (SELECT id FROM update_log WHERE wafer = ? AND kind IN ('edit', 'retire'))`,
  `DELETE FROM guarded_edits WHERE update_row IN
     (SELECT id FROM update_log WHERE wafer = ? AND kind IN ('edit', 'retire'))`,
  ...['guarded_edits', 'grounds', 'fields', 'siblings', 'documents', 'dies', 'run_wafers'].map(
    (table) => `DELETE FROM ${table} WHERE wafer = ?`,
  ),
  'DELETE FROM attempts WHERE wafer = ? AND x IS NOT NULL',
];

const OF_RUN = [
  'DELETE FROM attempts WHERE run = ?',
  'DELETE FROM run_wafers WHERE run = ?',
  'DELETE FROM final_runs WHERE run = ?',
  `${EMPTY_RUNS} WHERE id = ?`,
];

const OF_PURGE = ['DELETE FROM purged_updates WHERE purge = ?', 'DELETE FROM purges WHERE update_row = ?'];

function statements(connection: Connection) {
  const all = (sql: readonly string[]) => sql.map((one) => connection.prepare<[number], never>(one));
  const applied = (where: string) =>
    connection.prepare<[number], { id: number }>(
      `SELECT u.id FROM update_log u WHERE ${where} AND NOT EXISTS
         (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)`,
    );
  return {
    empty: { ofWafer: all(OF_WAFER), ofRun: all(OF_RUN), ofPurge: all(OF_PURGE) },
    applied: { wafer: applied('u.wafer = ?'), run: applied('u.run = ?'), purge: applied('u.id = ?') },
    run: connection.prepare<[number], { run: RunId }>('SELECT run_id AS run FROM runs WHERE id = ?'),
    totals: connection.prepare<[], { attempts: number; results: number; wafers: number }>(
      `SELECT ifnull(sum(attempts), 0) AS attempts, ifnull(sum(results), 0) AS results,
         count(DISTINCT wafer) AS wafers FROM run_wafers`,
    ),
  };
}
