import { type Dot, formatDot } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { AttemptSummary } from '../../wafer/attempt.ts';
import type { Edit, FieldWrite, Sibling } from '../../wafer/document/edit.ts';
import { type FieldPath, isWithin } from '../../wafer/document/field.ts';
import { ATTEMPTS } from '../../wafer/document/guards.ts';
import { MESH } from '../../wafer/document/mesh.ts';
import { HOME_FAB, PRODUCT } from '../../wafer/document/shown.ts';
import { mergeWrite } from '../../wafer/document/siblings.ts';
import type { Update } from '../../wafer/update.ts';
import type { Connection, Participant, Value } from '../connection.ts';
import type { Bases } from '../documents/bases.ts';
import { contextText } from '../documents/dot-text.ts';
import type { DocumentQueries, StoredView } from '../documents/stored-view.ts';
import type { LocalKeys } from '../keys.ts';
import type { Decoders } from '../types.ts';
import { ConflictFold } from './conflict-fold.ts';
import { VerdictFold } from './verdict-fold.ts';

/** Documents: the siblings of each field, what is shown of it, and the conflicts. */
export class DocumentFold implements Participant {
  readonly #keys: LocalKeys;
  readonly #decoders: Decoders;
  readonly #queries: DocumentQueries;
  readonly #bases: Bases;
  readonly #conflicts: ConflictFold;
  readonly #verdicts: VerdictFold;
  readonly #statements;
  /** Wafers whose documents rest on attempts; null before they were read. They are few: retired or judged by people. */
  #watching: Set<number> | null = null;

  constructor(
    connection: Connection,
    keys: LocalKeys,
    decoders: Decoders,
    queries: DocumentQueries,
    bases: Bases,
  ) {
    this.#keys = keys;
    this.#decoders = decoders;
    this.#queries = queries;
    this.#bases = bases;
    this.#conflicts = new ConflictFold(connection, keys, queries, bases);
    this.#verdicts = new VerdictFold(connection, queries, bases, this.#conflicts);
    this.#statements = statements(connection);
    connection.enlist(this);
  }

  /** Takes in an edit or a retirement. @throws WafersyncError `damaged`, `invalid` */
  edit({ header, payload }: Update, row: number, wafer: number): void {
    const edit = this.#decoders.decodeEdit(payload);
    if (edit.settlements.some(({ dots }) => dots.length === 0)) {
      throw new WafersyncError('invalid', `edit ${formatDot(header.dot)} settles a conflict of no writes`);
    }
    refuseForesight(edit, header.dot);
    const fields = edit.writes.map(({ field }) => field);
    const view = this.#queries.view(wafer);
    for (const write of edit.writes) this.#merge(view, row, write, { ...header, ...write });
    this.#keepGrounds(edit, row, view, fields);
    this.#conflicts.settle(wafer, edit, row);
    const watches = edit.guards.includes(ATTEMPTS) || fields.some(restsOnVerdicts);
    this.#statements.count.run(wafer, Number(watches), Number(watches));
    if (watches) this.#watching?.add(wafer);
    this.#conflicts.refresh(view, fields);
    this.#refreshWhatHangsOn(wafer, fields);
  }

  /** Attempts were added to dies of a wafer. @param final whether their run is marked so */
  attemptsAdded(wafer: number, attempts: readonly Pick<AttemptSummary, 'x' | 'y'>[], final: boolean): void {
    if (!final && !this.#watches(wafer)) return;
    const places = attempts.flatMap(({ x, y }) => (x === null || y === null ? [] : [{ x, y }]));
    this.#verdicts.refresh(wafer, places);
    this.#conflicts.refresh(this.#queries.view(wafer), []);
  }

  /** A record marks a run of these wafers final, or tells their product. */
  runRecorded(wafers: readonly number[], final: boolean): void {
    for (const wafer of wafers) {
      if (final) this.#verdicts.refresh(wafer);
      this.productMayChange(wafer);
    }
  }

  /** What is shown of a wafer may change with its product. */
  productMayChange(wafer: number): void {
    if (this.#bases.productMatters) this.#refreshRuled(wafer);
  }

  /** The tables have been emptied. */
  forget(): void {
    this.#watching = null;
    this.#bases.forget();
  }

  save(): () => void {
    return () => {
      this.#watching = null;
    };
  }

  flush(): void {}

  #merge(view: StoredView, row: number, { field, context }: FieldWrite, write: Sibling): void {
    const before = view.siblings(field);
    const after = mergeWrite(before, write);
    if (after === before) return;
    view.put(field, after);
    const { drop, dropGuarded, add } = this.#statements;
    for (const gone of before.filter((sibling) => !after.includes(sibling))) {
      const goneRow = this.#queries.rowOf(gone.dot)!;
      drop.run(view.wafer, field, goneRow);
      dropGuarded.run(goneRow);
    }
    add.run(view.wafer, field, row, write.value, contextText(context));
  }

  /** What the edit rests on, and what its writer knew. */
  #keepGrounds(edit: Edit, row: number, { wafer }: StoredView, fields: readonly FieldPath[]): void {
    if (edit.guards.length > 0) {
      const grounds = [wafer, JSON.stringify(edit.guards), JSON.stringify([...fields].sort())] as const;
      this.#statements.grounds.run(...grounds);
      this.#statements.guarded.run(row, ...grounds);
      // It may have come late, and stand nowhere.
      this.#statements.dropGuarded.run(row);
    }
    for (const { field, context } of edit.seen) this.#statements.seen.run(row, field, contextText(context));
    for (const [origin, set] of edit.attemptsSeen.entries()) {
      const key = this.#keys.origin(origin);
      for (const { from, to } of set.intervals) this.#statements.attemptsSeen.run(row, key, from, to);
    }
  }

  #refreshWhatHangsOn(wafer: number, fields: readonly FieldPath[]): void {
    if (wafer === this.#keys.findWafer(MESH)) {
      this.#bases.forget();
      for (const ruled of this.#conflicts.wafers()) this.#refreshRuled(ruled);
    }
    if (fields.includes(HOME_FAB) || fields.includes(PRODUCT)) this.#refreshRuled(wafer);
    if (fields.some(restsOnVerdicts)) this.#verdicts.refresh(wafer);
  }

  /** Without a conflict, every policy shows the same. */
  #refreshRuled(wafer: number): void {
    this.#conflicts.refreshRuled(wafer);
    this.#verdicts.refresh(wafer);
  }

  #watches(wafer: number): boolean {
    this.#watching ??= new Set(this.#statements.watching.all().map((row) => row.wafer));
    return this.#watching.has(wafer);
  }
}

/** A write that claims to have seen itself, or what its origin wrote later, would hang on the order of arrival. */
function refuseForesight({ writes, seen }: Edit, dot: Dot): void {
  const ahead = [...writes, ...seen].find(({ context }) => context.covers(dot));
  if (!ahead) return;
  throw new WafersyncError('invalid', `edit ${formatDot(dot)} claims to have seen itself at ${ahead.field}`);
}

/** Whether what a field says is about final verdicts. */
function restsOnVerdicts(field: FieldPath): boolean {
  return isWithin(field, '/verdicts') || isWithin(field, '/final_runs');
}

function statements(connection: Connection) {
  return {
    count: connection.prepare<[number, number, number], never>(
      `INSERT INTO documents (wafer, version, watches_attempts) VALUES (?, 1, ?)
       ON CONFLICT DO UPDATE SET version = version + 1, watches_attempts = max(watches_attempts, ?)`,
    ),
    watching: connection.prepare<[], { wafer: number }>(
      'SELECT wafer FROM documents WHERE watches_attempts = 1',
    ),
    add: connection.prepare<Value[], never>(
      'INSERT INTO siblings (wafer, field, update_row, value, context) VALUES (?, ?, ?, ?, ?)',
    ),
    drop: connection.prepare<[number, string, number], never>(
      'DELETE FROM siblings WHERE wafer = ? AND field = ? AND update_row = ?',
    ),
    guarded: connection.prepare<[number, number, string, string], never>(
      'INSERT INTO guarded_edits (update_row, wafer, guards, fields) VALUES (?, ?, ?, ?)',
    ),
    grounds: connection.prepare<[number, string, string], never>(
      'INSERT INTO grounds (wafer, guards, fields) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    dropGuarded: connection.prepare<[number], never>(
      `DELETE FROM guarded_edits AS g WHERE update_row = ? AND NOT EXISTS (
         SELECT 1 FROM json_each(g.fields) f
         JOIN siblings s ON s.wafer = g.wafer AND s.field = f.value AND s.update_row = g.update_row
       )`,
    ),
    seen: connection.prepare<[number, string, string], never>(
      'INSERT INTO fields_seen (update_row, field, context) VALUES (?, ?, ?)',
    ),
    attemptsSeen: connection.prepare<number[], never>(
      'INSERT INTO attempts_seen (update_row, origin, first, last) VALUES (?, ?, ?, ?)',
    ),
  };
}
