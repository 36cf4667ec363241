import { compareDots, type Dot, sameDot } from '../../clocks/dot.ts';
import { TransportVector } from '../../clocks/transport-vector.ts';
import { VersionVector } from '../../clocks/version-vector.ts';
import type { Conflict, Member } from '../../wafer/document/conflict.ts';
import { compareBirths, type Sibling } from '../../wafer/document/edit.ts';
import { type FieldPath, fieldPath, segmentsOf } from '../../wafer/document/field.ts';
import { POLICIES } from '../../wafer/document/policies/index.ts';
import type { Connection } from '../connection.ts';
import { type AttemptBirths, knew, type ResultsUpdate } from '../documents/attempt-births.ts';
import type { Bases } from '../documents/bases.ts';
import type { DocumentQueries, StoredView } from '../documents/stored-view.ts';
import type { WaferOrigins } from '../documents/wafer-origins.ts';
import type { ConflictFold } from './conflict-fold.ts';

/** Branch of the verdicts that people give: /verdicts/X,Y = "pass" or "fail". */
const VERDICTS = '/verdicts' as FieldPath;

/** Dies of which the attempts are read one by one; of more, all of the wafer are gone through. */
const FEW_DIES = 100;

/** Column and row of a die. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** A verdict about a die that is meant to stand. */
interface Verdict extends Member {
  /** The attempt that it comes from; null where a person gave it. */
  readonly attempt: AttemptRow | null;
  /** Whether its maker knew another verdict. */
  knows(other: Verdict): boolean;
}

/**
 * Final verdicts of one die that differ and did not know of each other. A verdict is final where the tester or a
 * person marks its run final, or a person gives it. One that knows another takes its place, as writes of a field do.
 */
export class VerdictFold {
  readonly #queries: DocumentQueries;
  readonly #births: AttemptBirths;
  readonly #origins: WaferOrigins;
  readonly #bases: Bases;
  readonly #conflicts: ConflictFold;
  readonly #statements;

  constructor(connection: Connection, queries: DocumentQueries, bases: Bases, conflicts: ConflictFold) {
    this.#queries = queries;
    this.#births = queries.births;
    this.#origins = queries.origins;
    this.#bases = bases;
    this.#conflicts = conflicts;
    this.#statements = statements(connection);
  }

  /** Works out the verdicts of some dies of a wafer, or of all where none are given. */
  refresh(wafer: number, places?: readonly Place[]): void {
    const view = this.#queries.view(wafer);
    if (!this.#mayDiffer(view)) return;
    const marks = this.#marks(wafer);
    const attempts = Map.groupBy(
      this.#attempts(wafer, places).filter(({ run }) => marks.has(run)),
      verdictField,
    );
    const fields = places ? new Set(places.map(verdictField)) : this.#fields(view, attempts.keys());
    const updates = new Map<number, ResultsUpdate>();
    const now = [...fields].flatMap((field) => {
      const rows = attempts.get(field) ?? [];
      if (view.siblings(field).length === 0 && !rows.some(({ passed }) => passed !== rows[0]!.passed))
        return [];
      return this.#conflictAt(view, field, rows, marks, updates) ?? [];
    });
    this.#conflicts.replace(
      wafer,
      [...fields].map((field) => ['verdict', field] as const),
      now,
    );
  }

  /** Attempts at some dies of a wafer; of few they are read one by one. */
  #attempts(wafer: number, places?: readonly Place[]): AttemptRow[] {
    if (!places || places.length > FEW_DIES) return this.#statements.attempts.all(wafer);
    const dies = new Map(places.map((place) => [verdictField(place), place]));
    return [...dies.values()].flatMap(({ x, y }) => this.#statements.attemptsAt.all(wafer, x, y));
  }

  /** Every field of a verdict that may be in dispute. */
  #fields(view: StoredView, ofAttempts: Iterable<FieldPath>): Set<FieldPath> {
    const given = view.below(VERDICTS).map(([field]) => field);
    const standing = this.#statements.standing.all(view.wafer).map(({ field }) => field as FieldPath);
    return new Set([...ofAttempts, ...given, ...standing]);
  }

  #conflictAt(
    view: StoredView,
    field: FieldPath,
    rows: readonly AttemptRow[],
    marks: ReadonlyMap<number, TransportVector>,
    updates: Map<number, ResultsUpdate>,
  ): Conflict | null {
    // A verdict that was taken back is none: what it had settled stands again.
    const given = view.siblings(field).filter(({ value }) => value !== null);
    const verdicts = [
      ...rows.map((row) => this.#ofAttempt(field, row, marks.get(row.run)!, updates)),
      ...given.map((sibling) => this.#ofPerson(field, sibling)),
    ];
    const stand = verdicts.filter(
      (verdict) => !verdicts.some((other) => other !== verdict && other.knows(verdict)),
    );
    const values = new Set(stand.map(({ value }) => value));
    // Where people alone differ, it is a conflict of the field.
    if (values.size < 2 || stand.every(({ attempt }) => attempt === null)) return null;
    const members = stand
      .map(({ dot, timestamp, value }) => ({ field, dot, timestamp, value }))
      .sort(compareBirths);
    const { rules, product, facts } = this.#bases.of(view);
    const rule = rules.of(field, product);
    const siblings: Sibling[] = members.map((member) => ({ ...member, context: VersionVector.empty }));
    const { chosen } = POLICIES[rule.policy].choose(siblings, facts);
    return {
      kind: 'verdict',
      field,
      members,
      open: POLICIES[rule.policy].manual,
      policy: rule.policy,
      pattern: rule.pattern,
      chosen: chosen.map(({ dot }) => dot).sort(compareDots),
    };
  }

  #ofAttempt(
    field: FieldPath,
    row: AttemptRow,
    mark: TransportVector,
    updates: Map<number, ResultsUpdate>,
  ): Verdict {
    const update = updates.get(row.updateRow) ?? this.#births.update(row.updateRow);
    updates.set(row.updateRow, update);
    const { dot, timestamp } = update;
    const knows = (other: Verdict): boolean =>
      (other.attempt !== null && sameDot(other.dot, dot) && other.attempt.index < row.index) ||
      this.#dotsOf(other).some((known) => knew(update, known) || mark.has(known));
    return { field, dot, timestamp, value: row.passed === 1 ? '"pass"' : '"fail"', attempt: row, knows };
  }

  #ofPerson(field: FieldPath, { dot, timestamp, value }: Sibling): Verdict {
    const seen = this.#queries.attemptsSeen(this.#queries.rowOf(dot)!);
    const knows = (other: Verdict) =>
      other.attempt !== null && this.#dotsOf(other).some((known) => seen.has(known));
    return { field, dot, timestamp, value, attempt: null, knows };
  }

  #dotsOf({ attempt, dot }: Verdict): Dot[] {
    return attempt ? this.#births.dots(attempt.run, attempt.index, dot) : [dot];
  }

  /** The final runs of a wafer, with what those who marked them had applied; a tester's mark knows nothing. */
  #marks(wafer: number): Map<number, TransportVector> {
    const marks = new Map<number, TransportVector>();
    for (const { run } of this.#statements.marked.all(wafer)) marks.set(run, TransportVector.empty);
    for (const { field, updateRow } of this.#statements.markedByPeople.all(wafer)) {
      const [, id = '', ...deeper] = segmentsOf(field as FieldPath);
      const run = deeper.length === 0 ? this.#statements.run.get(id)?.id : undefined;
      if (run === undefined) continue;
      const known = marks.get(run) ?? TransportVector.empty;
      marks.set(run, known.join(this.#queries.attemptsSeen(updateRow)));
    }
    return marks;
  }

  /** An origin knows all of its own: a wafer of one alone has no dispute, and is looked at no further. */
  #mayDiffer({ wafer }: StoredView): boolean {
    return this.#origins.of(wafer).length > 1 || this.#statements.standing.get(wafer) !== undefined;
  }
}

/** Field of the verdict about a die. */
export function verdictField({ x, y }: Place): FieldPath {
  return fieldPath(['verdicts', `${x},${y}`]);
}

interface AttemptRow extends Place {
  readonly run: number;
  readonly index: number;
  readonly passed: number;
  readonly updateRow: number;
  readonly origin: number;
}

function statements(connection: Connection) {
  const attempt = `SELECT a.run, a.attempt_index AS "index", a.x, a.y, a.passed, a.update_row AS updateRow, u.origin
    FROM attempts a JOIN update_log u ON u.id = a.update_row`;
  return {
    attempts: connection.prepare<[number], AttemptRow>(
      `${attempt} WHERE a.wafer = ? AND a.x IS NOT NULL AND a.passed IS NOT NULL`,
    ),
    attemptsAt: connection.prepare<[number, number, number], AttemptRow>(
      `${attempt} WHERE a.wafer = ? AND a.x = ? AND a.y = ? AND a.passed IS NOT NULL`,
    ),
    marked: connection.prepare<[number], { run: number }>(
      'SELECT f.run FROM run_wafers rw JOIN final_runs f ON f.run = rw.run WHERE rw.wafer = ?',
    ),
    markedByPeople: connection.prepare<[number], { field: string; updateRow: number }>(
      `SELECT f.field, s.update_row AS updateRow FROM fields f
         JOIN siblings s ON s.wafer = f.wafer AND s.field = f.field AND s.value IS f.value
       WHERE f.wafer = ? AND f.field >= '/final_runs/' AND f.field < '/final_runs0' AND f.value = 'true'`,
    ),
    run: connection.prepare<[string], { id: number }>('SELECT id FROM runs WHERE run_id = ?'),
    standing: connection.prepare<[number], { field: string }>(
      "SELECT field FROM conflicts WHERE wafer = ? AND kind = 'verdict'",
    ),
  };
}
