import { createHash } from 'node:crypto';
import { compareDots, type Dot, formatDot } from '../../clocks/dot.ts';
import type { WaferKey } from '../wafer-key.ts';
import {
  type Birth,
  type ConflictKind,
  compareBirths,
  type FieldWrite,
  type GuardedEdit,
  type Settlement,
} from './edit.ts';
import { ancestorsOf, type FieldPath } from './field.ts';
import { objections, standsIn } from './guards.ts';
import { POLICIES, type PolicyName } from './policies/index.ts';
import { type Basis, isDisputed, isScalar, type Shown, showField } from './shown.ts';
import type { DocumentView } from './view.ts';

declare const brand: unique symbol;

/** Names a conflict in the whole mesh: 32 hex digits. */
export type ConflictId = string & { readonly [brand]: 'ConflictId' };

/** A write, or an attempt, that stands against others. */
export interface Member extends Birth {
  readonly field: FieldPath;
  /** Canonical JSON text; null for a removal, and for attempts that an edit did not know. */
  readonly value: string | null;
}

/** Writes that stand against each other now. */
export interface Conflict {
  readonly kind: ConflictKind;
  /** The field in dispute; of a guard, the first that the guarded edit writes. */
  readonly field: FieldPath;
  /** By time; of a guard, those of the guarded edit first. */
  readonly members: readonly Member[];
  /** Whether a person has to settle it; else a rule has. */
  readonly open: boolean;
  /** Policy that chose what is shown. */
  readonly policy: PolicyName;
  /** Pattern of its rule. */
  readonly pattern: string;
  /** Dots of the members that are shown, sorted. */
  readonly chosen: readonly Dot[];
}

/** Id of a conflict. */
export function conflictId(wafer: WaferKey, { kind, field, dots }: Settlement): ConflictId {
  const sha = createHash('sha256').update('wafersync conflict 1\0');
  for (const part of [wafer.lot, wafer.waferId, wafer.insertion, kind, field, ...dots.map(formatDot)]) {
    sha.update(`${Buffer.byteLength(part)}:`).update(part);
  }
  return sha.digest('hex').slice(0, 32) as ConflictId;
}

/**
 * What names a conflict, and says of an edit that it ends it. Of a guard, the guarded edit comes first: two edits that
 * stand in one field may each rest on what the other wrote, and these are two conflicts of the same dots.
 */
export function settlementOf({
  kind,
  field,
  members,
}: Pick<Conflict, 'kind' | 'field' | 'members'>): Settlement {
  const dots = new Map(members.map(({ dot }) => [formatDot(dot), dot]));
  const guarded = kind === 'guard' ? [members[0]!.dot] : [];
  for (const dot of guarded) dots.delete(formatDot(dot));
  return { kind, field, dots: [...guarded, ...[...dots.values()].sort(compareDots)] };
}

/** The conflict of a field whose siblings differ; null where they do not. */
export function fieldConflict(view: DocumentView, field: FieldPath, basis: Basis): Conflict | null {
  const siblings = view.siblings(field);
  if (!isDisputed(siblings)) return null;
  const shown = showField(field, siblings, basis);
  const members = siblings.map((sibling) => memberOf(field, sibling)).sort(compareBirths);
  return {
    kind: 'field',
    field,
    members,
    open: POLICIES[shown.rule.policy].manual,
    ...ruleOf(shown, shown.choice.chosen),
  };
}

/** The conflict of a value at a field against values below it; null where there is none. */
export function shapeConflict(view: DocumentView, field: FieldPath, basis: Basis): Conflict | null {
  const own = shownAt(view, field, basis);
  if (!own || !isScalar(own)) return null;
  const below = view
    .below(field)
    .map(([path, siblings]) => showField(path, siblings, basis))
    .filter(({ choice }) => choice.value !== null);
  if (below.length === 0) return null;
  const membersOf = (shown: Shown) => shown.choice.chosen.map((sibling) => memberOf(shown.field, sibling));
  const values = membersOf(own);
  const objects = below.flatMap(membersOf);
  const members = [...values, ...objects].sort((a, b) => compareBirths(a, b) || (a.field < b.field ? -1 : 1));
  const chosen = values.includes(members.at(-1)!) ? values : objects;
  return { kind: 'shape', field, members, open: POLICIES[own.rule.policy].manual, ...ruleOf(own, chosen) };
}

/** The conflict of an edit with what was written, unaware of it, below the fields that it rests on. */
export function guardConflict(view: DocumentView, edit: GuardedEdit, basis: Basis): Conflict | null {
  const against = objections(view, edit);
  if (against.length === 0) return null;
  const own = standsIn(view, edit).map((field) => {
    const { value } = view.siblings(field).find(({ dot }) => compareDots(dot, edit.dot) === 0)!;
    return { field, value, dot: edit.dot, timestamp: edit.timestamp };
  });
  const shown = showField(own[0]!.field, view.siblings(own[0]!.field), basis);
  return {
    kind: 'guard',
    field: own[0]!.field,
    members: [...own, ...against],
    open: true,
    ...ruleOf(shown, shown.choice.chosen),
  };
}

/** Every conflict of a document that writes to some fields may have begun, changed or ended. */
export function conflictsAround(view: DocumentView, fields: readonly FieldPath[], basis: Basis): Conflict[] {
  const shapes = new Set(fields.flatMap((field) => [field, ...ancestorsOf(field)]));
  return [
    ...fields.map((field) => fieldConflict(view, field, basis)),
    ...[...shapes].map((field) => shapeConflict(view, field, basis)),
    ...view.guarded().map((edit) => guardConflict(view, edit, basis)),
  ].filter((conflict) => conflict !== null);
}

/** Every conflict of a document. */
export function allConflicts(view: DocumentView, basis: Basis): Conflict[] {
  return conflictsAround(
    view,
    view.below('').map(([field]) => field),
    basis,
  );
}

/** Those of the conflicts that an edit with these writes ends. */
export function endedBy(
  conflicts: readonly Conflict[],
  writes: readonly Pick<FieldWrite, 'field'>[],
): Settlement[] {
  const written = new Set(writes.map(({ field }) => field));
  return conflicts.filter((conflict) => ends(conflict, written)).map(settlementOf);
}

/** A conflict ends when all of one of its sides are replaced. */
function ends({ kind, field, members }: Conflict, written: ReadonlySet<FieldPath>): boolean {
  if (kind === 'field' || kind === 'verdict') return written.has(field);
  const sides = Map.groupBy(members, (member) => sideOf(kind, field, member, members));
  return [...sides.values()].some((side) => side.every((member) => written.has(member.field)));
}

function sideOf(kind: ConflictKind, field: FieldPath, member: Member, members: readonly Member[]): boolean {
  if (kind === 'shape') return member.field === field;
  const guarded = members.find((other) => other.field === field)!;
  return compareDots(member.dot, guarded.dot) === 0;
}

function shownAt(view: DocumentView, field: FieldPath, basis: Basis): Shown | null {
  const siblings = view.siblings(field);
  return siblings.length === 0 ? null : showField(field, siblings, basis);
}

function memberOf(
  field: FieldPath,
  { dot, timestamp, value }: Member | (Birth & { value: string | null }),
): Member {
  return { field, dot, timestamp, value };
}

function ruleOf({ rule }: Shown, chosen: readonly Birth[]) {
  return {
    policy: rule.policy,
    pattern: rule.pattern,
    chosen: chosen.map(({ dot }) => dot).sort(compareDots),
  };
}
