import { type Interval, IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { LocalKeys } from './keys.ts';

/** An interval of one origin's sequences, as rows have it. */
export interface IntervalRow {
  /** Local number of the origin. */
  readonly origin: number;
  readonly first: number;
  /** Included. */
  readonly last: number;
}

/** The vector that rows, in any order, make up. */
export function vectorOf(keys: LocalKeys, rows: readonly IntervalRow[]): TransportVector {
  const intervals = Map.groupBy(rows, ({ origin }) => origin);
  return TransportVector.of(
    [...intervals].map(([origin, own]) => [
      keys.originAt(origin),
      IntervalSet.of(own.map(({ first, last }) => ({ from: first, to: last }))),
    ]),
  );
}

/** What has to be written so that rows (first, last) of one set say another. */
export interface IntervalChanges {
  /** Keys of rows to delete. */
  readonly gone: readonly number[];
  /** Rows to insert, or to put in place of the one with the same `from`. */
  readonly put: readonly Interval[];
}

/** Difference of two sets as rows keyed by `from`. A set that grew at its end costs one row. */
export function intervalChanges(before: IntervalSet, after: IntervalSet): IntervalChanges {
  if (before === after) return { gone: [], put: [] };
  const old = new Map(before.intervals.map(({ from, to }) => [from, to]));
  const kept = new Set(after.intervals.map(({ from }) => from));
  return {
    gone: [...old.keys()].filter((from) => !kept.has(from)),
    put: after.intervals.filter(({ from, to }) => old.get(from) !== to),
  };
}
