import { WafersyncError } from '../../errors.ts';

/** A value of JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Canonical JSON text: members sorted by name, no blanks. Equal values have equal texts. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.entries(value as { readonly [name: string]: Json })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** Whether a value has members; an array is one value. */
export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Deepest nesting of JSON that is taken: what goes through it calls itself once a level. */
export const MAX_NESTING = 200;

/** How deep the brackets of JSON text nest; texts in it are passed over. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"') quoted = !quoted;
    else if (quoted && character === '\\') i++;
    else if (!quoted && (character === '[' || character === '{')) deepest = Math.max(deepest, ++depth);
    else if (!quoted && (character === ']' || character === '}')) depth--;
  }
  return deepest;
}

/** Value of JSON text. @param what names it in the error @throws WafersyncError `invalid` */
export function parseJson(text: string, what: string): Json {
  if (nestingOf(text) > MAX_NESTING) {
    throw new WafersyncError('invalid', `${what} is nested over ${MAX_NESTING} levels deep`, {
      hint: 'Flatten it.',
    });
  }
  try {
    const value = JSON.parse(text) as Json;
    if (isWritable(value)) return value;
    throw new Error('a number in it is too great');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WafersyncError('invalid', `${what} is not JSON: ${reason}`, {
      hint: 'Texts stand in double quotes, in values as well.',
      cause: error,
    });
  }
}

/** Whether all numbers are ones that JSON can write: 1e999 is read as infinite, and would be written as null. */
function isWritable(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isWritable);
}
