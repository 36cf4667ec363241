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

/** Value of JSON text. @param what names it in the error @throws WafersyncError `invalid` */
export function parseJson(text: string, what: string): Json {
  try {
    const value = JSON.parse(text) as Json;
    if (isWritable(value)) return value;
    throw new Error('a number in it is too great');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WafersyncError('invalid', `${what} is not JSON: ${reason}`, { cause: error });
  }
}

/** Whether all numbers are ones that JSON can write: 1e999 is read as infinite, and would be written as null. */
function isWritable(value: Json): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isWritable);
}
