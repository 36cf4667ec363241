import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import {
  type ConflictKind,
  EDIT_BOUNDS,
  type Edit,
  type FieldContext,
  type FieldWrite,
  type Settlement,
} from '../wafer/document/edit.ts';
import { checkPath, EMPTY_OBJECT } from '../wafer/document/field.ts';
import { canonicalJson, isObject, parseJson } from '../wafer/document/json.ts';
import { fromNumber, toNumber } from './long.ts';
import { fromContext, fromDot, fromOriginIntervals, toContext, toDot, toOriginIntervals } from './vectors.ts';

const { Edit: Message, ConflictKind: Kind } = wafersync.v1;
type V1 = typeof wafersync.v1;

const KINDS: Readonly<Record<ConflictKind, wafersync.v1.ConflictKind>> = {
  field: Kind.CONFLICT_KIND_FIELD,
  shape: Kind.CONFLICT_KIND_SHAPE,
  guard: Kind.CONFLICT_KIND_GUARD,
  verdict: Kind.CONFLICT_KIND_VERDICT,
};

/** Enum value of a kind of conflict. */
export function toConflictKind(kind: ConflictKind): wafersync.v1.ConflictKind {
  return KINDS[kind];
}

/** Kind of conflict of an enum value; null where this version does not know it. */
export function fromConflictKind(value: wafersync.v1.ConflictKind | null | undefined): ConflictKind | null {
  const known = Object.entries(KINDS).find(([, number]) => number === value);
  return known ? (known[0] as ConflictKind) : null;
}

/** Payload of an update of kind `edit` or `retire`. */
export function encodeEdit(edit: Edit): Uint8Array {
  return Message.encode({
    author: edit.author,
    reason: edit.reason,
    policy_version: fromNumber(edit.policyVersion),
    writes: edit.writes.map(toFieldWrite),
    guards: [...edit.guards],
    seen: edit.seen.map(({ field, context }) => ({ field, context: toContext(context) })),
    attempts_seen: toOriginIntervals(edit.attemptsSeen),
    settlements: edit.settlements.map(({ kind, field, dots }) => ({
      kind: KINDS[kind],
      field,
      dots: dots.map(toDot),
    })),
  }).finish();
}

/**
 * Edit of a payload.
 * @throws WafersyncError `damaged` where it is none, `invalid` where it breaks a rule that every node keeps, `precondition` for a
 * kind of conflict that this version does not know
 */
export function decodeEdit(payload: Uint8Array): Edit {
  let message: InstanceType<V1['Edit']>;
  try {
    message = Message.decode(payload);
  } catch (error) {
    throw WafersyncError.from(error, 'damaged', 'an edit cannot be read');
  }
  const edit = {
    author: message.author,
    reason: message.reason,
    policyVersion: toNumber(message.policy_version),
    writes: message.writes.map(toWrite),
    guards: message.guards.map(checkPath),
    seen: message.seen.map(toFieldContext),
    attemptsSeen: fromOriginIntervals(message.attempts_seen),
    settlements: message.settlements.map(toSettlement),
  };
  checkEdit(edit);
  return edit;
}

/** Message of a write. */
export function toFieldWrite({
  field,
  value,
  context,
  replaces,
}: FieldWrite): wafersync.v1.FieldWrite.$Properties {
  return { field, value_json: value, context: toContext(context), replaces: replaces.map(toDot) };
}

function toWrite(message: wafersync.v1.FieldWrite.$Properties): FieldWrite {
  return {
    field: checkPath(message.field ?? ''),
    value: message.value_json ?? null,
    context: fromContext(message.context),
    replaces: (message.replaces ?? []).map(fromDot),
  };
}

function toFieldContext(message: wafersync.v1.FieldContext.$Properties): FieldContext {
  return { field: checkPath(message.field ?? ''), context: fromContext(message.context) };
}

function toSettlement(message: wafersync.v1.Settlement.$Properties): Settlement {
  const kind = fromConflictKind(message.kind);
  if (kind === null) {
    throw new WafersyncError(
      'precondition',
      `an edit ends a conflict of kind ${message.kind}, which this version does not know`,
    );
  }
  return { kind, field: checkPath(message.field ?? ''), dots: (message.dots ?? []).map(fromDot) };
}

/** What the folds rest on: each field once, values that are canonical JSON. */
function checkEdit({ writes, guards, seen }: Edit): void {
  const refuse = (fault: string) => new WafersyncError('invalid', `an edit ${fault}`);
  if (writes.length === 0 || writes.length > EDIT_BOUNDS.writes)
    throw refuse(`writes ${writes.length} fields`);
  if (guards.length > EDIT_BOUNDS.guards || seen.length > EDIT_BOUNDS.seen) throw refuse('rests on too much');
  if (new Set(writes.map(({ field }) => field)).size < writes.length) throw refuse('writes a field twice');
  if (new Set(seen.map(({ field }) => field)).size < seen.length)
    throw refuse('says twice what it had seen of a field');
  for (const { field, value } of writes) {
    if (field.length === 0) throw refuse('writes the document itself');
    if (value === null) continue;
    if (Buffer.byteLength(value) > EDIT_BOUNDS.valueBytes) throw refuse(`writes too much at ${field}`);
    const parsed = parseJson(value, `the value at ${field}`);
    if (canonicalJson(parsed) !== value)
      throw refuse(`writes a value at ${field} that is not canonical JSON`);
    if (isObject(parsed) && value !== EMPTY_OBJECT)
      throw refuse(`writes an object at ${field}: members are fields`);
  }
}
