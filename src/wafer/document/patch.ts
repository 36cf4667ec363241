import jsonpatch, { type JsonPatchError, type Operation } from 'fast-json-patch';
import { WafersyncError } from '../../errors.ts';
import { EDIT_BOUNDS } from './edit.ts';
import { ancestorsOf, type FieldPath, fieldPath, isWithin, leavesOf, segmentsOf, valueAt } from './field.ts';
import { canonicalJson, isObject, type Json, parseJson } from './json.ts';

/** Most operations of one patch. */
export const MAX_OPERATIONS = 2000;

/** Position in an array, as RFC 6901 writes it. */
const INDEX = /^(0|[1-9]\d*)$/;
const OPERATIONS = ['add', 'remove', 'replace', 'move', 'copy', 'test'];

/** What a patch does to a document. */
export interface Patched {
  /** Net value of each field that it names, sorted by field; null where the field is gone. */
  readonly values: ReadonlyMap<FieldPath, string | null>;
  /** Branches that it gives other values as a whole, or removes: nothing else is left at or below them. */
  readonly cleared: readonly FieldPath[];
  /** Branches that it tests; of a value within an array, the array. */
  readonly tests: readonly FieldPath[];
  /** The document afterwards. */
  readonly document: Json;
}

/**
 * Applies a JSON Patch (RFC 6902) to a document as it is shown. Members of objects are fields, an array is one value.
 * @param always what is in every document: an object of it that is left empty needs no marker
 * @throws WafersyncError `invalid` where it is no patch or over a bound, `conflict` where a `test` fails, `precondition` where an
 * operation does not apply; each says which operation and why
 */
export function applyPatch(document: Json, text: string, always: Json): Patched {
  const operations = operationsOf(text);
  const [named, cleared, tests] = [new Set<FieldPath>(), new Set<FieldPath>(), new Set<FieldPath>()];
  let current = document;
  for (const [i, operation] of operations.entries()) {
    const next = applyOne(current, operation, i);
    if (operation.op === 'copy') checkGrowth(next, operation, i);
    for (const path of pathsOf(operation)) {
      const branch = withinArray(current, segmentsOf(path));
      (operation.op === 'test' ? tests : cleared).add(fieldPath(branch));
      if (operation.op !== 'test') for (const field of namedBy(branch, current, next)) named.add(field);
    }
    current = next;
  }
  for (const field of emptied(named, current, always)) named.add(field);
  const values = [...named].sort().map((field) => [field, leafAt(current, field)] as const);
  return { values: new Map(values), cleared: [...cleared], tests: [...tests], document: current };
}

function operationsOf(text: string): Operation[] {
  const hint =
    'Send an array as in [{"op":"add","path":"/holds/H1","value":{"reason":"probe card"}}] (RFC 6902).';
  const patch = parseJson(text, 'the patch');
  if (!Array.isArray(patch))
    throw new WafersyncError('invalid', 'the patch is no array of operations', { hint });
  if (patch.length > MAX_OPERATIONS) {
    throw new WafersyncError(
      'invalid',
      `the patch has ${patch.length} operations, over the bound of ${MAX_OPERATIONS}`,
      {
        hint: 'Send it in parts.',
      },
    );
  }
  for (const [i, operation] of patch.entries()) {
    if (!isObject(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string') {
      throw new WafersyncError('invalid', `operation ${i + 1} of the patch has no op or no path`, { hint });
    }
    if (!OPERATIONS.includes(operation.op)) {
      throw new WafersyncError(
        'invalid',
        `operation ${i + 1} of the patch is ${operation.op}, which is none`,
        {
          hint: `Use one of ${OPERATIONS.join(', ')}.`,
        },
      );
    }
    segmentsOf(operation.path);
    if (operation.op === 'move' || operation.op === 'copy') {
      if (typeof operation.from !== 'string') {
        throw new WafersyncError('invalid', `operation ${i + 1} of the patch has no from`, { hint });
      }
      segmentsOf(operation.from);
    }
    if (operation.value !== undefined) for (const [field] of leavesOf(operation.value, [])) segmentsOf(field);
  }
  return patch as unknown as Operation[];
}

function applyOne(document: Json, operation: Operation, i: number): Json {
  checkPaths(document, operation, i);
  try {
    const { newDocument } = jsonpatch.applyOperation(document, operation, true, false, true, i);
    if (isObject(newDocument)) return newDocument;
  } catch (thrown) {
    throw patchFailure(thrown, document, operation, i);
  }
  throw new WafersyncError('invalid', `${nameOf(operation, i)} leaves no object as the document`);
}

/** A copy may double the document: without a bound, a patch of some dozen would fill the memory. */
function checkGrowth(document: Json, operation: Operation, i: number): void {
  if (Buffer.byteLength(JSON.stringify(document)) <= EDIT_BOUNDS.documentBytes) return;
  throw new WafersyncError(
    'invalid',
    `${nameOf(operation, i)} makes the document larger than ${EDIT_BOUNDS.documentBytes} bytes; nothing was written`,
    { hint: 'Copy less.' },
  );
}

/** What the library lets through: it finds `toString` in every object, reads 01 as an index, and moves a value into itself. */
function checkPaths(document: Json, operation: Operation, i: number): void {
  if (
    operation.op === 'move' &&
    operation.path !== operation.from &&
    isWithin(operation.path, operation.from)
  ) {
    throw new WafersyncError('invalid', `${nameOf(operation, i)} moves ${operation.from} into itself`);
  }
  const source = sourceOf(operation);
  if (source !== null && resolve(document, segmentsOf(source)) === undefined) {
    if (operation.op === 'test') throw testFailure(document, operation, i);
    throw unresolved(operation, i, `there is nothing at ${source}`);
  }
  const segments = segmentsOf(operation.path);
  const last = segments.at(-1);
  if (last === undefined || last === '-' || INDEX.test(last)) return;
  if (Array.isArray(resolve(document, segments.slice(0, -1)))) {
    throw unresolved(operation, i, `${last} is no position in an array`);
  }
}

function patchFailure(thrown: unknown, document: Json, operation: Operation, i: number): WafersyncError {
  const { name, message } = thrown as JsonPatchError;
  if (name === 'TEST_OPERATION_FAILED') return testFailure(document, operation, i);
  const reason = message.split('\n')[0]!;
  const absent = name?.startsWith('OPERATION_PATH') || name === 'OPERATION_VALUE_OUT_OF_BOUNDS';
  if (absent) return unresolved(operation, i, reason, thrown);
  return new WafersyncError(
    'invalid',
    `${nameOf(operation, i)} does not apply: ${reason}; nothing was written`,
    { cause: thrown },
  );
}

function testFailure(document: Json, operation: Operation, i: number): WafersyncError {
  const found = resolve(document, segmentsOf(operation.path));
  const value = found === undefined ? 'nothing' : canonicalJson(found).slice(0, 200);
  return new WafersyncError(
    'conflict',
    `${nameOf(operation, i)} fails: the document has ${value} there; nothing was written`,
    { hint: 'Read the wafer again, and decide anew.' },
  );
}

function unresolved(operation: Operation, i: number, reason: string, cause?: unknown): WafersyncError {
  return new WafersyncError(
    'precondition',
    `${nameOf(operation, i)} does not apply: ${reason}; nothing was written`,
    { hint: 'A path must exist for remove, replace, move and copy, and the object above it for add.', cause },
  );
}

function nameOf({ op, path }: Operation, i: number): string {
  return `operation ${i + 1} (${op} ${path || '""'})`;
}

/** Where an operation needs a value to be; null where it needs none. */
function sourceOf(operation: Operation): string | null {
  if (operation.op === 'move' || operation.op === 'copy') return operation.from;
  return operation.op === 'add' ? null : operation.path;
}

/** Paths of which an operation changes, or tests, the value. */
function pathsOf(operation: Operation): readonly string[] {
  return operation.op === 'move' ? [operation.path, operation.from] : [operation.path];
}

/** The fields that a change of a branch names: those below it before and after. */
function* namedBy(branch: readonly string[], before: Json, after: Json): Generator<FieldPath> {
  for (const document of [before, after]) {
    const value = valueAt(document, branch);
    if (value === undefined) continue;
    // A document that is left empty has no field, and needs no marker.
    for (const [field] of leavesOf(value, branch)) if (field.length > 0) yield field;
  }
}

/** Value at a path, within arrays too; undefined where there is none. */
function resolve(document: Json, segments: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const segment of segments) {
    if (Array.isArray(value))
      value = INDEX.test(segment) ? (value as readonly Json[])[Number(segment)] : undefined;
    else value = isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  }
  return value;
}

/** A path, cut at the first array on it. */
function withinArray(document: Json, segments: readonly string[]): readonly string[] {
  let value: Json | undefined = document;
  for (const [i, segment] of segments.entries()) {
    if (Array.isArray(value)) return segments.slice(0, i);
    value = isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
  }
  return segments;
}

/** Objects above fields that are gone, and that are empty now: they get a marker, or they would be gone too. */
function emptied(named: ReadonlySet<FieldPath>, document: Json, always: Json): FieldPath[] {
  return [...named].flatMap((field) =>
    ancestorsOf(field).filter((above) => {
      const segments = segmentsOf(above);
      const value = valueAt(document, segments);
      return isObject(value) && Object.keys(value).length === 0 && !isObject(valueAt(always, segments));
    }),
  );
}

/** Canonical text of a field's value; null where the document has no such field. */
function leafAt(document: Json, field: FieldPath): string | null {
  const value = valueAt(document, segmentsOf(field));
  return value === undefined || (isObject(value) && Object.keys(value).length > 0)
    ? null
    : canonicalJson(value);
}
