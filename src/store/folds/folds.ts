import { formatDot } from '../../clocks/dot.ts';
import { invariant, WafersyncError } from '../../errors.ts';
import type { Update } from '../../wafer/update.ts';
import type { Connection } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import type { NodeState } from '../node-state.ts';
import type { Programs } from '../programs.ts';
import type { Purges } from '../purges.ts';
import { RECORD_COLUMNS } from '../run-record-row.ts';
import type { Decoders } from '../types.ts';
import type { LogRow } from '../update-log.ts';
import { AttemptFold } from './attempt-fold.ts';
import { DieFold } from './die-fold.ts';
import type { DocumentFold } from './document-fold.ts';
import { RunFold } from './run-fold.ts';
import { RunWaferFold } from './run-wafer-fold.ts';

/**
 * The readable tables, folded from the updates one by one. What they hold in the end hangs on the set of updates
 * alone, not on their order.
 */
export class Folds {
  readonly #state: NodeState;
  readonly #programs: Programs;
  readonly #decoders: Decoders;
  readonly #runs: RunFold;
  readonly #runWafers: RunWaferFold;
  readonly #attempts: AttemptFold;
  readonly #documents: DocumentFold;
  readonly #purges: Purges;
  readonly #empty;

  constructor(
    connection: Connection,
    state: NodeState,
    keys: LocalKeys,
    programs: Programs,
    decoders: Decoders,
    documents: DocumentFold,
    purges: Purges,
  ) {
    const dies = new DieFold(connection);
    this.#state = state;
    this.#programs = programs;
    this.#decoders = decoders;
    this.#documents = documents;
    this.#purges = purges;
    this.#runs = new RunFold(connection, keys, dies);
    this.#runWafers = new RunWaferFold(connection);
    this.#attempts = new AttemptFold(connection, keys, dies, this.#runWafers);
    this.#empty = EMPTY.map((sql) => connection.prepare<[], never>(sql));
  }

  /**
   * Folds one update that is in the log. Not to be done twice.
   * @throws WafersyncError `precondition` where this version does not know the kind or the program is not here,
   * `damaged` or `invalid` where the payload cannot be folded
   */
  fold(update: Update, row: LogRow): void {
    const { kind } = update.header;
    if (kind === 'results') this.#foldResults(update, row);
    else if (kind === 'run') this.#foldRunRecord(update, row);
    else if (kind === 'edit' || kind === 'retire') this.#foldEdit(update, row);
    else if (kind === 'purge') this.#purges.add(this.#decoders.decodePurge(update.payload), row.id);
    else {
      throw new WafersyncError('precondition', `kind ${kind} is not known to this version`, {
        hint: 'Update this node; the update is applied then.',
      });
    }
  }

  /** Tables were changed otherwise than by folding: what is remembered of them is read again. */
  forget(): void {
    this.#documents.forget();
  }

  /** Empties all folds. */
  empty(): void {
    for (const statement of this.#empty) statement.run();
    this.forget();
    const { attempts, results, wafers } = this.#state.totals;
    this.#state.count({ attempts: -attempts, results: -results, wafers: -wafers });
  }

  #foldResults({ header, payload }: Update, { id, run, wafer }: LogRow): void {
    const { dot, program, timestamp } = header;
    if (!header.run || !program) {
      throw new WafersyncError(
        'invalid',
        `update ${formatDot(dot)} has results, but no run or no test program`,
      );
    }
    if (!this.#programs.has(program)) {
      throw new WafersyncError('precondition', `test program ${program} is not here yet`, {
        hint: 'It is asked for from the peers.',
      });
    }
    invariant(run !== null && wafer !== null, 'a results update is logged with its run and wafer');
    const attempts = this.#decoders.readAttempts(payload);
    const { final, moved } = this.#runs.name(run, header.run.startedAtUs, dot, id);
    const added = this.#attempts.add(attempts, { run, wafer, updateRow: id, dot });
    const isNew = this.#runWafers.add(run, wafer, timestamp, added.wafer);
    this.#state.count({ ...added.total, wafers: isNew === 'wafer' ? 1 : 0 });
    // The first run that tells a product gives it: which one that is changes with their starts.
    const products = moved ? this.#runWafers.wafersOf(run) : isNew ? [wafer] : [];
    for (const one of products) this.#documents.productMayChange(one);
    this.#documents.attemptsAdded(wafer, attempts, final);
    for (const [from, places] of Map.groupBy(added.left, (place) => place.wafer)) {
      this.#documents.attemptsAdded(from, places, final);
    }
  }

  #foldEdit(update: Update, { id, wafer }: LogRow): void {
    invariant(wafer !== null, 'an edit is logged with its wafer');
    this.#documents.edit(update, id, wafer);
  }

  #foldRunRecord({ header, payload }: Update, { id, run }: LogRow): void {
    const { dot } = header;
    if (!header.run) {
      throw new WafersyncError('invalid', `update ${formatDot(dot)} is a run record, but names no run`);
    }
    invariant(run !== null, 'a run record is logged with its run');
    const record = this.#decoders.decodeRunRecord(payload);
    this.#runs.name(run, header.run.startedAtUs, dot, id);
    this.#runs.record(run, record, dot, id);
    this.#documents.runRecorded(this.#runWafers.wafersOf(run), record.final);
  }
}

/** Tables that are nothing but folds; those that others refer to come last. */
const FOLDS = [
  ...[
    'purged_updates',
    'purges',
    'conflict_members',
    'conflicts',
    'settlements',
    'attempts_seen',
    'fields_seen',
    'guarded_edits',
  ],
  ...['grounds', 'fields', 'siblings', 'documents', 'final_runs', 'dies', 'attempts', 'run_wafers'],
];

/** Empties what is folded into runs; what is left there, and in wafers, are their keys, which the log refers to. */
export const EMPTY_RUNS = `UPDATE runs SET ${[
  'started_at_us',
  'first_update',
  'record_update',
  ...RECORD_COLUMNS,
]
  .map((name) => `${name} = NULL`)
  .join(', ')}`;

const EMPTY = [...FOLDS.map((table) => `DELETE FROM ${table}`), EMPTY_RUNS];
