import { compareDots, type Dot } from '../../clocks/dot.ts';
import { type AttemptSummary, passed } from '../../wafer/attempt.ts';
import type { Connection, Value } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import type { DieFold } from './die-fold.ts';
import type { RunWaferFold } from './run-wafer-fold.ts';

/** Where the attempts of one update belong, as local numbers. */
export interface AttemptsPlace {
  readonly run: number;
  readonly wafer: number;
  readonly updateRow: number;
  readonly dot: Dot;
}

/** What an update added. */
export interface Added {
  /** To its own wafer. */
  readonly wafer: { attempts: number; results: number; firstIndex: number | null };
  /** To the whole database. */
  readonly total: { attempts: number; results: number };
  /** Where attempts were before, of which another update's content counts now. */
  readonly left: { readonly wafer: number; readonly x: number | null; readonly y: number | null }[];
}

interface StoredRow {
  readonly wafer: number;
  readonly x: number | null;
  readonly y: number | null;
  readonly hardBin: number | null;
  readonly softBin: number | null;
  readonly passed: number | null;
  readonly results: number;
  readonly updateRow: number;
}

/** The attempts: keyed by run and index; of several updates that bring one, the smallest dot's content counts. */
export class AttemptFold {
  readonly #keys: LocalKeys;
  readonly #dies: DieFold;
  readonly #runWafers: RunWaferFold;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys, dies: DieFold, runWafers: RunWaferFold) {
    this.#keys = keys;
    this.#dies = dies;
    this.#runWafers = runWafers;
    this.#statements = statements(connection);
  }

  /** Takes in the attempts of one update, in growing order of index. */
  add(attempts: readonly AttemptSummary[], place: AttemptsPlace): Added {
    const added: Added = {
      wafer: { attempts: 0, results: 0, firstIndex: null },
      total: { attempts: 0, results: 0 },
      left: [],
    };
    for (const attempt of attempts) {
      const verdict = verdictOf(attempt);
      const row = columns(attempt, verdict, place);
      if (this.#statements.insert.run(place.run, attempt.index, ...row) > 0) {
        added.total.attempts++;
        added.total.results += attempt.resultCount;
        this.#countNew(added, attempt);
        this.#dies.add(place.wafer, place.run, attempt, verdict);
      } else this.#meet(attempt, row, place, added);
    }
    return added;
  }

  /** An attempt that another update brought as well. */
  #meet(attempt: AttemptSummary, row: readonly Value[], place: AttemptsPlace, added: Added): void {
    const known = this.#statements.known.get(place.run, attempt.index)!;
    if (compareDots(this.#keys.dotOf(known.updateRow), place.dot) <= 0) return;
    this.#statements.replace.run(...row, place.run, attempt.index);
    added.total.results += attempt.resultCount - known.results;
    if (known.wafer === place.wafer) added.wafer.results += attempt.resultCount - known.results;
    else {
      this.#countNew(added, attempt);
      this.#runWafers.recount(place.run, known.wafer);
    }
    if (showsSame(known, attempt, place)) return;
    added.left.push({ wafer: known.wafer, x: known.x, y: known.y });
    this.#dies.recount(known.wafer, known.x, known.y);
    this.#dies.recount(place.wafer, attempt.x, attempt.y);
  }

  #countNew({ wafer }: Added, attempt: AttemptSummary): void {
    wafer.attempts++;
    wafer.results += attempt.resultCount;
    wafer.firstIndex ??= attempt.index;
  }
}

/** Whether its die shows the same of an attempt as before. */
function showsSame(known: StoredRow, attempt: AttemptSummary, place: AttemptsPlace): boolean {
  return (
    known.wafer === place.wafer &&
    known.x === attempt.x &&
    known.y === attempt.y &&
    known.hardBin === attempt.hardBin &&
    known.softBin === attempt.softBin &&
    known.passed === verdictOf(attempt)
  );
}

function verdictOf(attempt: AttemptSummary): number | null {
  const verdict = passed(attempt);
  return verdict === null ? null : Number(verdict);
}

/** Columns behind the key, in the order of COLUMNS. */
function columns(attempt: AttemptSummary, verdict: number | null, place: AttemptsPlace): Value[] {
  return [
    place.wafer,
    attempt.x,
    attempt.y,
    attempt.head,
    attempt.site,
    attempt.partId,
    attempt.hardBin,
    attempt.softBin,
    attempt.partFlags,
    verdict,
    attempt.testCount,
    attempt.testTimeMs,
    attempt.startedAtUs,
    attempt.sequenceSpan,
    attempt.resultCount,
    place.updateRow,
  ];
}

const COLUMNS = [
  'wafer',
  'x',
  'y',
  'head',
  'site',
  'part_id',
  'hard_bin',
  'soft_bin',
  'part_flags',
  'passed',
  'test_count',
  'test_time_ms',
  'started_at_us',
  'sequence_span',
  'results',
  'update_row',
];

function statements(connection: Connection) {
  const marks = COLUMNS.map(() => '?').join(', ');
  return {
    insert: connection.prepare<Value[], never>(
      `INSERT INTO attempts (run, attempt_index, ${COLUMNS.join(', ')}) VALUES (?, ?, ${marks})
       ON CONFLICT DO NOTHING`,
    ),
    known: connection.prepare<[run: number, index: number], StoredRow>(
      `SELECT wafer, x, y, hard_bin AS hardBin, soft_bin AS softBin, passed, results, update_row AS updateRow
       FROM attempts WHERE run = ? AND attempt_index = ?`,
    ),
    replace: connection.prepare<Value[], never>(
      `UPDATE attempts SET ${COLUMNS.map((name) => `${name} = ?`).join(', ')}
       WHERE run = ? AND attempt_index = ?`,
    ),
  };
}
