import { formatDot, sameDot } from '../../clocks/dot.ts';
import {
  type Birth,
  compareBirths,
  type Edit,
  type FieldContext,
  type GuardedEdit,
  type Sibling,
} from './edit.ts';
import { EMPTY_OBJECT, type FieldPath, isWithin } from './field.ts';
import { contextOf } from './siblings.ts';
import { type DocumentView, fieldsWithin } from './view.ts';

/** Stands among guards for the wafer's attempts, which are no field. */
export const ATTEMPTS = '/attempts' as FieldPath;

/** Every wafer's holds. A removal, or a marker that there are none, takes nothing from an edit that rests on there being none. */
export const HOLDS = '/holds' as FieldPath;

/** A write that speaks against a guarded edit. */
export interface Objection extends Birth {
  readonly field: FieldPath;
  /** Canonical JSON text; null for a removal, and for attempts. */
  readonly value: string | null;
}

/** Says that a wafer is withdrawn. */
export const RETIRED = '/retired' as FieldPath;

/** The field whose value may rest on there being no hold. */
export const DISPOSITION = '/disposition' as FieldPath;

/** Guards that a write brings with it, whoever makes it. */
export function impliedGuards(field: FieldPath, value: string | null): FieldPath[] {
  if (field === DISPOSITION && value === '"ship"') return [HOLDS];
  return field === RETIRED && value === 'true' ? [ATTEMPTS] : [];
}

/**
 * What an edit says it had seen of fields that it does not write: of those below its guards, and of those whose
 * writers rest on a field that it does write, so that neither side takes the other for unaware.
 */
export function seenFields(
  view: DocumentView,
  writes: readonly FieldPath[],
  guards: readonly FieldPath[],
): FieldContext[] {
  const fields = new Map<FieldPath, readonly Sibling[]>();
  for (const guard of guards) {
    for (const [field, siblings] of fieldsWithin(view, guard)) fields.set(field, siblings);
  }
  for (const grounds of view.grounds()) {
    if (!writes.some((field) => grounds.guards.some((guard) => isWithin(field, guard)))) continue;
    for (const field of grounds.fields) fields.set(field, view.siblings(field));
  }
  // A hold always says which disposition its writer knew: a shipment may have been replaced before it came here.
  if (writes.some((field) => isWithin(field, HOLDS))) fields.set(DISPOSITION, view.siblings(DISPOSITION));
  const own = new Set(writes);
  return [...fields]
    .filter(([field, siblings]) => !own.has(field) && siblings.length > 0)
    .map(([field, siblings]) => ({ field, context: contextOf(siblings) }))
    .sort((a, b) => (a.field < b.field ? -1 : 1));
}

/** Fields of a guarded edit in which it still stands. */
export function standsIn(view: DocumentView, edit: GuardedEdit): FieldPath[] {
  return edit.fields.filter((field) => view.siblings(field).some(({ dot }) => sameDot(dot, edit.dot)));
}

/** Writes below an edit's guards that it did not know, and that did not know it; the earliest first. */
export function objections(view: DocumentView, edit: GuardedEdit): Objection[] {
  const stands = standsIn(view, edit);
  if (stands.length === 0) return [];
  // By field and dot: guards may lie within each other, and a write objects once.
  const found = new Map<string, Objection>();
  const add = (objection: Objection) =>
    found.set(`${objection.field} ${formatDot(objection.dot)}`, objection);
  for (const guard of edit.guards) {
    if (guard === ATTEMPTS) {
      for (const { dot, timestamp } of view.attemptsUnseen(edit)) {
        add({ dot, timestamp, field: ATTEMPTS, value: null });
      }
      continue;
    }
    for (const [field, siblings] of fieldsWithin(view, guard)) {
      const own = edit.fields.includes(field);
      if (own && !tookAway(edit, guard, siblings)) continue;
      const seen = view.seen(edit.dot, field);
      for (const write of siblings) {
        if (sameDot(write.dot, edit.dot) || seen.covers(write.dot)) continue;
        if (guard === HOLDS && (write.value === null || write.value === EMPTY_OBJECT)) continue;
        // Of a field that the edit wrote as well, the write itself says whether it knew the edit.
        if (own && write.context.covers(edit.dot)) continue;
        if (stands.some((other) => view.seen(write.dot, other).covers(edit.dot))) continue;
        add({ dot: write.dot, timestamp: write.timestamp, field, value: write.value });
      }
    }
  }
  return [...found.values()].sort((a, b) => compareBirths(a, b) || (a.field < b.field ? -1 : 1));
}

/**
 * Whether an edit that rests on there being no hold took this one away. What it writes itself is otherwise no ground
 * that it rests on: whoever else writes that is in dispute with it about the field.
 */
function tookAway(edit: GuardedEdit, guard: FieldPath, siblings: readonly Sibling[]): boolean {
  const own = siblings.find(({ dot }) => sameDot(dot, edit.dot));
  return guard === HOLDS && (own === undefined || own.value === null);
}

/** Whether an edit has to say which attempts its writer knew. */
export function restsOnAttempts(edit: Pick<Edit, 'guards' | 'writes'>): boolean {
  return (
    edit.guards.includes(ATTEMPTS) ||
    edit.writes.some(({ field }) => isWithin(field, '/verdicts') || isWithin(field, '/final_runs'))
  );
}
