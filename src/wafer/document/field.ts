import { WafersyncError } from '../../errors.ts';
import { isObject, type Json } from './json.ts';

declare const brand: unique symbol;

/** Name of a field: the JSON Pointer (RFC 6901) of a value that has no members, such as `/holds/H1/reason`. */
export type FieldPath = string & { readonly [brand]: 'FieldPath' };

/** Deepest nesting of a field. */
export const MAX_DEPTH = 16;
/** Longest path of a field, bytes of UTF-8. */
export const MAX_PATH_BYTES = 512;

/** Value of an object without members: a marker that keeps it in the document. */
export const EMPTY_OBJECT = '{}';

/** Path of segments. */
export function fieldPath(segments: readonly string[]): FieldPath {
  return segments
    .map((segment) => `/${segment.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('') as FieldPath;
}

/** Segments of a path. @throws WafersyncError `invalid` where it is no JSON Pointer, too long or too deep */
export function segmentsOf(path: string): string[] {
  if (path === '') return [];
  const segments = path.split('/').slice(1);
  if (!path.startsWith('/') || segments.some((segment) => /~(?![01])/.test(segment))) {
    throw invalidPath(
      path,
      'is no JSON Pointer',
      'Write it as /holds/H1/reason; ~1 stands for / and ~0 for ~.',
    );
  }
  if (segments.length > MAX_DEPTH) throw invalidPath(path, `is over ${MAX_DEPTH} levels deep`);
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw invalidPath(path, `is over ${MAX_PATH_BYTES} bytes long`);
  if (!path.isWellFormed()) throw invalidPath(path, 'holds half a character', 'Send well-formed text.');
  if (segments.includes('__proto__')) throw invalidPath(path, 'names __proto__', 'Choose another name.');
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Checks a path. @throws WafersyncError `invalid` */
export function checkPath(path: string): FieldPath {
  segmentsOf(path);
  return path as FieldPath;
}

/** Paths above a field, the nearest first, without the document itself. */
export function ancestorsOf(path: FieldPath): FieldPath[] {
  const above: FieldPath[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    above.push(path.slice(0, end) as FieldPath);
  }
  return above;
}

/** Whether `path` is `branch` or lies below it. The empty branch is the document. */
export function isWithin(path: string, branch: string): boolean {
  return path === branch || path.startsWith(`${branch}/`);
}

/** Fields of a value at a path: one for each value without members below it, with those values. */
export function* leavesOf(value: Json, path: readonly string[]): Generator<readonly [FieldPath, Json]> {
  if (!isObject(value) || Object.keys(value).length === 0) {
    yield [fieldPath(path), value];
    return;
  }
  for (const [name, member] of Object.entries(value)) yield* leavesOf(member, [...path, name]);
}

/** Value at a path of a document; undefined where there is none. Arrays have no members. */
export function valueAt(document: Json, segments: readonly string[]): Json | undefined {
  let value: Json | undefined = document;
  for (const segment of segments) {
    if (!isObject(value) || !Object.hasOwn(value, segment)) return undefined;
    value = value[segment];
  }
  return value;
}

function invalidPath(path: string, fault: string, hint = 'Use a shorter one.'): WafersyncError {
  return new WafersyncError('invalid', `path ${JSON.stringify(path.slice(0, 80))} ${fault}`, { hint });
}
