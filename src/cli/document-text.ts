import { type FieldPath, isWithin, leavesOf } from '../wafer/document/field.ts';
import { canonicalJson, isObject, type Json, parseJson } from '../wafer/document/json.ts';
import { templateOf } from '../wafer/document/shown.ts';
import { printable } from './output.ts';

/** Branches that every document has, whether they hold something or not. */
const EMPTY_BRANCHES: ReadonlySet<string> = new Set(
  (['wafer', 'mesh'] as const)
    .flatMap((kind) => [...leavesOf(templateOf(kind), [])])
    .flatMap(([field, value]) => (isObject(value) ? [field] : [])),
);

/** A document as people read it: a line a field, the values beneath each other. */
export function documentLines(documentJson: string): string[] {
  const fields = [...fieldsOf(documentJson)];
  const width = Math.max(0, ...fields.map(([field]) => field.length));
  if (fields.length === 0) return ['the document says nothing yet'];
  return fields.map(([field, value]) => printable(`${field.padEnd(width)}  ${value}`));
}

/**
 * What a patch changed, a line a field. Others may write between the two readings: fields that the patch does not name
 * are not told.
 * @param paths of the patch's operations
 */
export function changeLines(before: string, after: string, paths: readonly string[]): string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  const named = (field: FieldPath) => paths.some((path) => isWithin(field, path) || isWithin(path, field));
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => named(field) && old.get(field) !== now.get(field))
    .sort()
    .map((field) => changeLine(field, old.get(field), now.get(field)));
}

function changeLine(field: FieldPath, old: string | undefined, now: string | undefined): string {
  return printable(old === undefined ? `${field}: ${now}` : `${field}: ${old} -> ${now ?? 'removed'}`);
}

/** Fields of a document with their canonical JSON text, in the document's order, without empty branches. */
function fieldsOf(documentJson: string): Map<FieldPath, string> {
  const document: Json = parseJson(documentJson || '{}', 'the document of the answer');
  if (!isObject(document) || Object.keys(document).length === 0) return new Map();
  return new Map(
    [...leavesOf(document, [])]
      .map(([field, value]) => [field, canonicalJson(value)] as const)
      .filter(([field, value]) => value !== '{}' || !EMPTY_BRANCHES.has(field)),
  );
}
