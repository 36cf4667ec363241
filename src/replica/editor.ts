import { sameDot } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { type DocumentNow, documentOf, etagOf } from '../store/documents.ts';
import type { Store } from '../store/store.ts';
import { checkValue } from '../wafer/document/checks.ts';
import { type Authorship, composeEdit, type Draft } from '../wafer/document/compose.ts';
import type { ConflictId } from '../wafer/document/conflict.ts';
import { EDIT_BOUNDS, type Edit } from '../wafer/document/edit.ts';
import { type FieldPath, isWithin, leavesOf, segmentsOf } from '../wafer/document/field.ts';
import { ATTEMPTS, DISPOSITION, HOLDS, RETIRED } from '../wafer/document/guards.ts';
import { canonicalJson, isObject, type Json, parseJson } from '../wafer/document/json.ts';
import { ADDRESSES_BRANCH, MEMBERS_BRANCH, MESH, ruleField } from '../wafer/document/mesh.ts';
import { applyPatch } from '../wafer/document/patch.ts';
import type { PolicyName } from '../wafer/document/policies/index.ts';
import { templateOf } from '../wafer/document/shown.ts';
import { isLive } from '../wafer/document/siblings.ts';
import { askedWafer, formatWafer, type WaferKey } from '../wafer/wafer-key.ts';

/** What a writer expects to find; an absent part is not checked. */
export interface Expectation {
  /** Version of the document. */
  readonly version?: number;
  /** Etag of the document. */
  readonly etag?: string;
}

/** A change that somebody asks for. */
export interface EditRequest extends Authorship {
  readonly wafer: WaferKey;
  readonly expected: Expectation;
}

/** A rule of the configuration. */
export interface SeedRule {
  /** Pattern of fields. */
  readonly field: string;
  readonly policy: PolicyName;
  readonly product: string;
}

/** An edit that is to be born. */
export interface EditPlan {
  readonly kind: 'edit' | 'retire';
  readonly wafer: WaferKey;
  /** Null where there is nothing to write. */
  readonly edit: Edit | null;
  /** Version of the document with it. */
  readonly version: number;
}

/** How a person settles a conflict: by a member of it, or by a new value. */
export type Decision =
  | { readonly choose: { readonly fab: string; readonly epoch?: number; readonly sequence: number } }
  | { readonly value: string };

/**
 * Works out what a request writes, against the documents as they stand. Called inside the transaction that writes it:
 * contexts are those of all siblings present then.
 */
export class Editor {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * A JSON Patch of a wafer's document, or of the mesh's.
   * @param create whether a wafer that nothing names yet may be written of
   * @throws WafersyncError `conflict` where it is not as expected or a `test` fails, `precondition` where an operation or the
   * value does not fit, `invalid` where it is wrong or over a bound, `not-found`
   */
  patch(request: EditRequest, patch: string, create: boolean): EditPlan {
    const now = this.#expected(request, create);
    const patched = applyPatch(documentOf(now), patch, templateOf(now.kind));
    checkSize(patched.document);
    if (now.kind === 'mesh') refuseFabs([...patched.values.keys(), ...patched.cleared]);
    for (const [field, value] of patched.values) checkValue(now.kind, field, value, patched.document);
    if (patched.values.get(DISPOSITION) === '"ship"') refuseHeld(now, patched.document);
    return this.#plan('edit', now, request, { ...patched, guards: patched.tests });
  }

  /** Rules for a mesh that has none; null for one that has. @throws WafersyncError `invalid` */
  seed(rules: readonly SeedRule[], author: string): EditPlan | null {
    const now = this.#store.documents.of(MESH);
    if (now.version > 0 || rules.length === 0) return null;
    const values = new Map(
      rules.map(({ field, product, policy }) => [ruleField(field, product), canonicalJson(policy)]),
    );
    const request = { wafer: MESH, author, reason: 'from the configuration', expected: {} };
    return this.#plan('edit', now, request, { values, guards: [] });
  }

  /** Says something of fabs in the mesh document: values by field, as canonical JSON text. What is said already is left out. */
  sayOfFabs(said: ReadonlyMap<FieldPath, string>, author: Authorship): EditPlan {
    const now = this.#store.documents.of(MESH);
    const values = new Map([...said].filter(([field, value]) => !isShown(now, field, value)));
    if (values.size === 0) return { kind: 'edit', wafer: MESH, edit: null, version: now.version };
    return this.#plan('edit', now, { ...author, wafer: MESH, expected: {} }, { values, guards: [] });
  }

  /** Withdraws a wafer. It rests on the attempts that are known here. @throws WafersyncError as {@link patch} does */
  retire(request: EditRequest): EditPlan {
    const now = this.#expected(request, false);
    if (now.kind === 'mesh')
      throw new WafersyncError('invalid', 'the mesh cannot be retired', { hint: 'Name a wafer.' });
    return this.#plan('retire', now, request, { values: new Map([[RETIRED, 'true']]), guards: [ATTEMPTS] });
  }

  /**
   * Settles a conflict by a write that has seen all of it. A conflict that was settled can be settled anew; settled as it is
   * already, it is left alone.
   * @throws WafersyncError `conflict` where it does not stand any more or was written over since, `invalid` for a choice that is
   * none of it, `precondition` where a value has to be given or a hold stands
   */
  resolve(id: ConflictId, decision: Decision, author: Authorship): EditPlan {
    const conflict = this.#store.conflicts.get(id);
    if (!conflict) {
      throw new WafersyncError('conflict', `conflict ${id} does not stand any more: other writes have come`, {
        hint: '`wafersync conflicts list` tells those that do.',
      });
    }
    const now = this.#store.documents.of(conflict.wafer);
    const values = settlingValues(conflict, decision);
    if (conflict.state === 'settled' && areShown(now, values))
      return { kind: 'edit', wafer: now.key, edit: null, version: now.version };
    refuseOverwriting(now, conflict);
    const request = { ...author, wafer: conflict.wafer, expected: {} };
    if (now.kind === 'mesh') refuseFabs(values.keys());
    for (const [field, value] of values) checkValue(now.kind, field, value, documentOf(now));
    if (conflict.kind !== 'guard' && values.get(DISPOSITION) === '"ship"') refuseHeld(now, documentOf(now));
    const guards = conflict.kind === 'guard' ? this.#guardsOf(now, conflict.field, values) : [];
    return this.#plan('edit', now, request, { values, guards });
  }

  /** A guarded edit that is confirmed rests on the same branches, as they are now. */
  #guardsOf(
    { view }: DocumentNow,
    field: FieldPath,
    values: ReadonlyMap<FieldPath, string | null>,
  ): FieldPath[] {
    const [sibling] = view.siblings(field);
    if (!sibling || values.get(field) !== sibling.value) return [];
    return [...(view.guarded().find(({ dot }) => sameDot(dot, sibling.dot))?.guards ?? [])];
  }

  #expected({ wafer, expected }: EditRequest, create: boolean): DocumentNow {
    const now = this.#store.documents.of(wafer);
    if (!now.known && now.kind === 'wafer' && !create) {
      throw new WafersyncError('not-found', `wafer ${askedWafer(wafer)} is not known here`, {
        hint: 'Correct lot, wafer id and insertion, or say that it is to be created.',
      });
    }
    const { version, etag } = expected;
    if (version !== undefined && version !== now.version) throw this.#stale(now, `version ${version}`);
    if (etag !== undefined && etag !== etagOf(now)) throw this.#stale(now, `etag ${etag}`);
    return now;
  }

  #stale(now: DocumentNow, expected: string): WafersyncError {
    const since = this.#store.documents.lastEdits(now.key, 5);
    const changes = since.map(
      ({ dot, author, fields }) => `${dot.fab}${author ? ` (${author})` : ''} wrote ${fields.join(', ')}`,
    );
    const what = changes.length > 0 ? `; last: ${changes.join('; ')}` : '';
    return new WafersyncError(
      'conflict',
      `expected ${expected}, but the document is at version ${now.version}, etag ${etagOf(now)}${what}; nothing was written`,
      { hint: 'Read it again, and decide anew.' },
    );
  }

  #plan(
    kind: EditPlan['kind'],
    now: DocumentNow,
    { author, reason }: EditRequest,
    { values, cleared = [], guards }: Pick<Draft, 'values' | 'cleared' | 'guards'>,
  ): EditPlan {
    const { documents, conflicts } = this.#store;
    const edit = composeEdit(now.view, {
      ...{ author, reason, values, cleared, guards },
      policyVersion: documents.rules.version,
      attempts: () => documents.attemptsKnown(now.key),
      conflicts: conflicts.standingOf(now.key),
    });
    return { kind, wafer: now.key, edit, version: now.version + 1 };
  }
}

/** Who belongs to the mesh is not patched, not even by a removal: that would go round what an eviction asks for. */
function refuseFabs(fields: Iterable<FieldPath>): void {
  for (const field of fields) {
    if (!isWithin(field, MEMBERS_BRANCH) && !isWithin(field, ADDRESSES_BRANCH)) continue;
    throw new WafersyncError('invalid', `${field} says who belongs to the mesh, and is not patched`, {
      hint: '`wafersync fab add`, `fab remove` and `fab evict` change that.',
    });
  }
}

/** Whether the fields have just these values; null is none. */
function areShown(now: DocumentNow, values: ReadonlyMap<FieldPath, string | null>): boolean {
  return [...values].every(([field, value]) =>
    value === null ? !isLive(now.view.siblings(field)) : isShown(now, field, value),
  );
}

/** Whether a field has this value, and no other stands against it. */
function isShown({ view }: DocumentNow, field: FieldPath, value: string): boolean {
  const siblings = view.siblings(field);
  return siblings.length > 0 && siblings.every((sibling) => sibling.value === value);
}

type Conflict = NonNullable<ReturnType<Store['conflicts']['get']>>;

/** Whoever settles anew what was settled has that settlement before them, and nothing that was written since. */
function refuseOverwriting({ view }: DocumentNow, { state, id, field, settlements }: Conflict): void {
  if (state !== 'settled') return;
  const later = view
    .siblings(field)
    .filter(({ dot }) => !settlements.some((known) => sameDot(known.dot, dot)));
  if (later.length === 0) return;
  const writers = later.map(({ dot, value }) => `${dot.fab} wrote ${value ?? 'its removal'}`).join(', ');
  throw new WafersyncError('conflict', `${field} was written since conflict ${id} was settled: ${writers}`, {
    hint: 'Patch the wafer instead.',
  });
}

/** The value of each field that settles a conflict. */
function settlingValues(conflict: Conflict, decision: Decision): Map<FieldPath, string | null> {
  if ('value' in decision) {
    const value = parseJson(decision.value, 'the value');
    const guarded = conflict.members.find(({ field }) => field === conflict.field);
    const others = conflict.kind === 'guard' && guarded ? ownValues(conflict.members, guarded) : new Map();
    return new Map([...others, ...leavesAt(conflict.field, value)]);
  }
  const { fab, epoch, sequence } = decision.choose;
  const chosen = conflict.members.filter(
    ({ dot }) => dot.fab === fab && dot.sequence === sequence && (epoch ?? dot.epoch) === dot.epoch,
  );
  if (chosen.length === 0) {
    const members = conflict.members.map(({ dot }) => `${dot.fab}:${dot.sequence}`);
    throw new WafersyncError('invalid', `${fab}:${sequence} is not part of conflict ${conflict.id}`, {
      hint: `Choose one of ${[...new Set(members)].join(', ')}, or give a value.`,
    });
  }
  if (new Set(chosen.map(({ dot }) => dot.epoch)).size > 1) {
    throw new WafersyncError('invalid', `${fab}:${sequence} is part of conflict ${conflict.id} twice`, {
      hint: `Name the epoch as well: ${chosen.map(({ dot }) => dot.epoch).join(' or ')}.`,
    });
  }
  if (chosen.some(({ here }) => !here)) {
    throw new WafersyncError('precondition', `${fab}:${sequence} has not come here yet`, {
      hint: 'Give the value itself.',
    });
  }
  if (conflict.kind === 'guard') return settlingGuard(conflict, chosen);
  const values = new Map(chosen.map(({ field, value }) => [field, value]));
  // The side that is not chosen goes, or a value and members below it would stand against each other again.
  for (const { field } of conflict.kind === 'shape' ? conflict.members : []) {
    const sameSide = [...values.keys()].some(
      (own) => (own === conflict.field) === (field === conflict.field),
    );
    if (!values.has(field) && !sameSide) values.set(field, null);
  }
  return values;
}

/** The fields of a value that takes the place of a field. */
function leavesAt(field: FieldPath, value: Json): [FieldPath, string | null][] {
  const leaves = [...leavesOf(value, segmentsOf(field))];
  return [[field, null], ...leaves.map(([path, leaf]): [FieldPath, string] => [path, canonicalJson(leaf)])];
}

/** What a guarded edit wrote besides stays as it is, written again: the edit itself is over then, wherever it stood. */
function ownValues(members: Conflict['members'], guarded: Conflict['members'][number]) {
  const own = members.filter((member) => sameDot(member.dot, guarded.dot));
  return new Map<FieldPath, string | null>(own.map(({ field, value }) => [field, value]));
}

/** Choosing the guarded edit confirms it; choosing what spoke against it takes its place by what that calls for. */
function settlingGuard(
  { field, members }: Conflict,
  chosen: Conflict['members'],
): Map<FieldPath, string | null> {
  const guarded = members.find((member) => member.field === field)!;
  const own = ownValues(members, guarded);
  if (chosen.some((member) => sameDot(member.dot, guarded.dot))) return own;
  if (field === RETIRED) return own.set(field, null);
  if (chosen.some((member) => member.field.startsWith(`${HOLDS}/`))) return own.set(field, '"hold"');
  throw new WafersyncError('precondition', `what takes the place of ${field} has to be said`, {
    hint: 'Settle it by a value.',
  });
}

/** Shipping needs that there is no hold. Whoever confirms a shipment in a conflict has the hold before them. */
function refuseHeld({ key }: DocumentNow, document: Json): void {
  const holds = isObject(document) && isObject(document.holds) ? Object.keys(document.holds) : [];
  if (holds.length === 0) return;
  throw new WafersyncError(
    'precondition',
    `wafer ${formatWafer(key)} is not to be shipped: hold ${holds.join(', ')} stands`,
    { hint: 'Remove the holds first, or in the same patch.' },
  );
}

function checkSize(document: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(document));
  if (bytes <= EDIT_BOUNDS.documentBytes) return;
  throw new WafersyncError(
    'invalid',
    `the document would be ${bytes} bytes, over the bound of ${EDIT_BOUNDS.documentBytes}`,
    {
      hint: 'Remove what is not needed any more, or keep it elsewhere and note where.',
    },
  );
}
