import Long from 'long';
import { WafersyncError } from '../errors.ts';

/**
 * Number of a 64-bit field; 0 where it is absent, as in proto3.
 * `field` names it in the error.
 * @throws WafersyncError `invalid` where a JS number cannot hold it exactly
 */
export function toNumber(value: Long | number | null | undefined, field = 'a 64-bit field'): number {
  if (value === null || value === undefined) return 0;
  const number = typeof value === 'number' ? value : value.toNumber();
  if (!Number.isSafeInteger(number)) {
    throw new WafersyncError('invalid', `${field} is ${value.toString()}, which is beyond 2^53 - 1`, {
      hint: 'Send a whole number between -9007199254740991 and 9007199254740991.',
    });
  }
  return number;
}

/**
 * 64-bit field of a number, for int64 and uint64 alike: both put the same bits on the wire.
 * @throws WafersyncError `invalid` where the number is no JS-safe integer
 */
export function fromNumber(value: number): Long {
  if (!Number.isSafeInteger(value)) {
    throw new WafersyncError('invalid', `${value} does not fit a 64-bit field: it is not a safe integer`);
  }
  return Long.fromNumber(value);
}
