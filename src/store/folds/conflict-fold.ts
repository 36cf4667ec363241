import { formatDot } from '../../clocks/dot.ts';
import { type Conflict, conflictId, conflictsAround, settlementOf } from '../../wafer/document/conflict.ts';
import type { Edit } from '../../wafer/document/edit.ts';
import { ancestorsOf, type FieldPath } from '../../wafer/document/field.ts';
import { isDisputed, showField } from '../../wafer/document/shown.ts';
import type { Connection, Value } from '../connection.ts';
import type { Bases } from '../documents/bases.ts';
import { dotsText } from '../documents/dot-text.ts';
import type { DocumentQueries, StoredView } from '../documents/stored-view.ts';
import type { LocalKeys } from '../keys.ts';

/** The conflicts that stand, and those that edits ended. */
export class ConflictFold {
  readonly #keys: LocalKeys;
  readonly #queries: DocumentQueries;
  readonly #bases: Bases;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys, queries: DocumentQueries, bases: Bases) {
    this.#keys = keys;
    this.#queries = queries;
    this.#bases = bases;
    this.#statements = statements(connection);
  }

  /** Works out what is shown of some fields of a wafer, and every conflict that they may be part of. */
  refresh(view: StoredView, fields: readonly FieldPath[]): void {
    const { wafer } = view;
    const basis = this.#bases.of(view);
    for (const field of fields) {
      const siblings = view.siblings(field);
      const { choice, rule } = showField(field, siblings, basis);
      // Where they agree, any policy shows the same: rules that change leave such fields alone.
      const policy = isDisputed(siblings) ? rule.policy : null;
      this.#statements.show.run(wafer, field, choice.value, siblings.length, policy);
    }
    const shapes = new Set(fields.flatMap((field) => [field, ...ancestorsOf(field)]));
    const subjects = [
      ...fields.map((field) => ['field', field] as const),
      ...[...shapes].map((field) => ['shape', field] as const),
      // Of guards all: an edit that rested on something may stand no more.
      ...this.#statements.guards.all(wafer).map(({ subject }) => ['guard', subject] as const),
    ];
    this.replace(wafer, subjects, conflictsAround(view, fields, basis));
  }

  /** Works out again all that a policy has chosen, or may: the rules have changed, or the product of the wafer. */
  refreshRuled(wafer: number): void {
    const fields = this.#statements.ruled.all(wafer, wafer).map(({ field }) => field as FieldPath);
    this.refresh(this.#queries.view(wafer), fields);
  }

  /** Wafers with a conflict. */
  wafers(): number[] {
    return this.#statements.wafers.all().map(({ wafer }) => wafer);
  }

  /** Puts conflicts in the place of those that stood for the same subjects. */
  replace(
    wafer: number,
    subjects: readonly (readonly [kind: string, subject: string])[],
    now: readonly Conflict[],
  ): void {
    if (this.#statements.any.get(wafer)) {
      for (const [kind, subject] of subjects) {
        const id = this.#statements.standing.get(wafer, kind, subject)?.id;
        if (id === undefined) continue;
        this.#statements.dropMembers.run(id);
        this.#statements.drop.run(id);
      }
    }
    for (const conflict of now) this.#add(wafer, conflict);
  }

  /** Notes the conflicts that an edit says it ends. */
  settle(wafer: number, { settlements }: Edit, updateRow: number): void {
    const key = settlements.length === 0 ? null : this.#keys.waferAt(wafer);
    for (const settlement of settlements) {
      const { kind, field, dots } = settlement;
      this.#statements.settle.run(
        conflictId(key!, settlement),
        updateRow,
        wafer,
        kind,
        field,
        dotsText(dots),
      );
    }
  }

  #add(wafer: number, conflict: Conflict): void {
    const { kind, field, members, open, policy, pattern, chosen } = conflict;
    const id = conflictId(this.#keys.waferAt(wafer), settlementOf(conflict));
    const subject = kind === 'guard' ? formatDot(members[0]!.dot) : field;
    this.#statements.add.run(id, wafer, kind, field, subject, open ? 'open' : 'ruled', policy, pattern);
    const shown = new Set(chosen.map(formatDot));
    for (const member of members) {
      const row = this.#queries.rowOf(member.dot)!;
      this.#statements.addMember.run(
        id,
        member.field,
        row,
        member.value,
        Number(shown.has(formatDot(member.dot))),
      );
    }
  }
}

function statements(connection: Connection) {
  return {
    show: connection.prepare<Value[], never>(
      `INSERT INTO fields (wafer, field, value, siblings, policy) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, siblings = excluded.siblings, policy = excluded.policy`,
    ),
    ruled: connection.prepare<[number, number], { field: string }>(
      `SELECT field FROM fields WHERE wafer = ? AND policy IS NOT NULL
       UNION SELECT field FROM conflicts WHERE wafer = ? AND kind = 'shape'`,
    ),
    guards: connection.prepare<[number], { subject: string }>(
      "SELECT subject FROM conflicts WHERE wafer = ? AND kind = 'guard'",
    ),
    wafers: connection.prepare<[], { wafer: number }>('SELECT DISTINCT wafer FROM conflicts'),
    any: connection.prepare<[number], { found: 1 }>(
      'SELECT 1 AS found FROM conflicts WHERE wafer = ? LIMIT 1',
    ),
    standing: connection.prepare<[number, string, string], { id: string }>(
      'SELECT id FROM conflicts WHERE wafer = ? AND kind = ? AND subject = ?',
    ),
    dropMembers: connection.prepare<[string], never>('DELETE FROM conflict_members WHERE conflict = ?'),
    drop: connection.prepare<[string], never>('DELETE FROM conflicts WHERE id = ?'),
    add: connection.prepare<Value[], never>(
      `INSERT INTO conflicts (id, wafer, kind, field, subject, state, policy, pattern) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addMember: connection.prepare<Value[], never>(
      'INSERT INTO conflict_members (conflict, field, update_row, value, chosen) VALUES (?, ?, ?, ?, ?)',
    ),
    settle: connection.prepare<Value[], never>(
      `INSERT INTO settlements (conflict, update_row, wafer, kind, field, dots) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
    ),
  };
}
