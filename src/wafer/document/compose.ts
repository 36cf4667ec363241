import { TransportVector } from '../../clocks/transport-vector.ts';
import { WafersyncError } from '../../errors.ts';
import { type Conflict, endedBy } from './conflict.ts';
import { EDIT_BOUNDS, type Edit, type FieldWrite } from './edit.ts';
import { ancestorsOf, EMPTY_OBJECT, type FieldPath } from './field.ts';
import { impliedGuards, restsOnAttempts, seenFields } from './guards.ts';
import { contextOf, dotsOf, isLive } from './siblings.ts';
import { type DocumentView, fieldsWithin } from './view.ts';

/** Who writes, and why. */
export interface Authorship {
  readonly author: string;
  readonly reason: string;
}

/** What an edit is made of. */
export interface Draft extends Authorship {
  /** New value of each field; null removes it. */
  readonly values: ReadonlyMap<FieldPath, string | null>;
  /** Branches of which nothing is to be left but these values, whether it shows or not. */
  readonly cleared?: readonly FieldPath[];
  /** Guards besides those that the values bring with them. */
  readonly guards: readonly FieldPath[];
  /** Version of the mesh document that the writer knows. */
  readonly policyVersion: number;
  /** Results updates of the wafer that the writer has applied; asked for where the edit rests on attempts. */
  readonly attempts: () => TransportVector;
  /** Conflicts of the document as they stand. */
  readonly conflicts: readonly Conflict[];
}

/**
 * The edit of some new values, against the document as it stands: each field's context is that of all its present
 * siblings. Null where nothing would be written. A removal of a field without a value is none.
 * @throws WafersyncError `invalid` over a bound
 */
export function composeEdit(view: DocumentView, draft: Draft): Edit | null {
  const values = withShape(view, withCleared(view, draft));
  const writes = [...values].flatMap(([field, value]) => writeOf(view, field, value));
  if (writes.length === 0) return null;
  const fields = writes.map(({ field }) => field);
  const implied = writes.flatMap(({ field, value }) => impliedGuards(field, value));
  const guards = [...new Set([...draft.guards, ...implied])].sort();
  const edit: Edit = {
    author: draft.author,
    reason: draft.reason,
    policyVersion: draft.policyVersion,
    writes,
    guards,
    seen: seenFields(view, fields, guards),
    attemptsSeen: restsOnAttempts({ guards, writes }) ? draft.attempts() : TransportVector.empty,
    settlements: endedBy(draft.conflicts, writes),
  };
  checkBounds(edit);
  return edit;
}

function writeOf(view: DocumentView, field: FieldPath, value: string | null): FieldWrite[] {
  const siblings = view.siblings(field);
  if (value === null && !isLive(siblings)) return [];
  return [{ field, value, context: contextOf(siblings), replaces: dotsOf(siblings) }];
}

/**
 * What a branch has besides what it shows goes with it: the marker of an object that had members, and a value that
 * newer ones hide, in it or above it. Else they would show as soon as what hides them is gone.
 */
function withCleared(view: DocumentView, { values, cleared = [] }: Draft): Map<FieldPath, string | null> {
  const all = new Map(values);
  for (const branch of cleared) {
    const within = fieldsWithin(view, branch).filter(([, siblings]) => isLive(siblings));
    const gone = [...within.map(([field]) => field), ...scalarsAbove(view, branch)];
    for (const field of gone) if (!all.has(field)) all.set(field, null);
  }
  return all;
}

/** A value ends what stands above and below it: a document has either a value at a path or members below it. */
function withShape(
  view: DocumentView,
  values: ReadonlyMap<FieldPath, string | null>,
): Map<FieldPath, string | null> {
  const all = new Map(values);
  for (const [field, value] of values) {
    if (value === null) continue;
    const below = value === EMPTY_OBJECT ? [] : view.below(field).map(([path]) => path);
    for (const path of [...below, ...scalarsAbove(view, field)]) if (!all.has(path)) all.set(path, null);
  }
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Fields above one that have a value of their own. */
function scalarsAbove(view: DocumentView, field: FieldPath): FieldPath[] {
  return ancestorsOf(field).filter((path) => {
    return view.siblings(path).some(({ value }) => value !== null && value !== EMPTY_OBJECT);
  });
}

function checkBounds(edit: Edit): void {
  const over = (what: string, count: number, bound: number) => {
    if (count <= bound) return;
    throw new WafersyncError('invalid', `the edit has ${count} ${what}, over the bound of ${bound}`, {
      hint: 'Write less at once.',
    });
  };
  over('fields to write', edit.writes.length, EDIT_BOUNDS.writes);
  over('guards', edit.guards.length, EDIT_BOUNDS.guards);
  over('fields that it rests on', edit.seen.length, EDIT_BOUNDS.seen);
  over('characters of author', edit.author.length, EDIT_BOUNDS.author);
  over('characters of reason', edit.reason.length, EDIT_BOUNDS.reason);
  for (const { field, value } of edit.writes) {
    over(`bytes at ${field}`, Buffer.byteLength(value ?? ''), EDIT_BOUNDS.valueBytes);
  }
}
