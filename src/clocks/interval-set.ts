import { invariant, WafersyncError } from '../errors.ts';

/** A closed interval of sequences, 1 ≤ from ≤ to. */
export interface Interval {
  readonly from: number;
  readonly to: number;
}

/**
 * An immutable set of sequences as intervals; almost always the one interval [1..n].
 *
 * Invariant: intervals are sorted, disjoint and not adjacent, so that equal sets have equal intervals.
 */
export class IntervalSet {
  static readonly empty = new IntervalSet([]);
  readonly intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.intervals = intervals;
  }

  /** The set of any intervals, in any order, overlapping or not. @throws WafersyncError `invalid` */
  static of(intervals: Iterable<Interval>): IntervalSet {
    const sorted = [...intervals].sort((a, b) => a.from - b.from);
    const merged: Interval[] = [];
    for (const interval of sorted) {
      check(interval);
      const last = merged.at(-1);
      if (last && interval.from <= last.to + 1) {
        merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, interval.to) };
      } else merged.push(interval);
    }
    return merged.length === 0 ? IntervalSet.empty : new IntervalSet(merged);
  }

  /** The set [from..to]. */
  static range(from: number, to: number): IntervalSet {
    return IntervalSet.of([{ from, to }]);
  }

  get isEmpty(): boolean {
    return this.intervals.length === 0;
  }

  /** How many sequences it holds. */
  get size(): number {
    return this.intervals.reduce((sum, { from, to }) => sum + to - from + 1, 0);
  }

  /** Last sequence of the interval that begins at 1; 0 without one. */
  get contiguousThrough(): number {
    const first = this.intervals[0];
    return first?.from === 1 ? first.to : 0;
  }

  /** Greatest sequence; 0 when empty. */
  get max(): number {
    return this.intervals.at(-1)?.to ?? 0;
  }

  has(sequence: number): boolean {
    const interval = this.intervals[this.#indexOf(sequence)];
    return interval !== undefined && interval.from <= sequence;
  }

  /** Whether every sequence of `other` is in this set. */
  covers(other: IntervalSet): boolean {
    if (other === this) return true;
    return other.intervals.every(({ from, to }) => {
      const interval = this.intervals[this.#indexOf(from)];
      return interval !== undefined && interval.from <= from && to <= interval.to;
    });
  }

  /** This set and one sequence. @throws WafersyncError `invalid` */
  add(sequence: number): IntervalSet {
    check({ from: sequence, to: sequence });
    const last = this.intervals.at(-1);
    if (last && sequence === last.to + 1) {
      return new IntervalSet([...this.intervals.slice(0, -1), { from: last.from, to: sequence }]);
    }
    return this.has(sequence) ? this : this.union(IntervalSet.range(sequence, sequence));
  }

  /** This set but one sequence. */
  without(sequence: number): IntervalSet {
    return this.has(sequence) ? this.difference(IntervalSet.range(sequence, sequence)) : this;
  }

  union(other: IntervalSet): IntervalSet {
    if (other.isEmpty || other === this) return this;
    if (this.isEmpty) return other;
    return IntervalSet.of([...this.intervals, ...other.intervals]);
  }

  /** What is in this set and not in `other`. */
  difference(other: IntervalSet): IntervalSet {
    if (other === this) return IntervalSet.empty;
    const rest: Interval[] = [];
    let next = 0;
    for (const { from, to } of this.intervals) {
      let start = from;
      while (next < other.intervals.length && other.intervals[next]!.to < start) next++;
      for (let i = next; i < other.intervals.length && other.intervals[i]!.from <= to; i++) {
        const hole = other.intervals[i]!;
        if (start < hole.from) rest.push({ from: start, to: hole.from - 1 });
        start = Math.max(start, hole.to + 1);
      }
      if (start <= to) rest.push({ from: start, to });
    }
    return rest.length === 0 ? IntervalSet.empty : new IntervalSet(rest);
  }

  intersection(other: IntervalSet): IntervalSet {
    return this.difference(this.difference(other));
  }

  /** The `count` greatest sequences. */
  newest(count: number): IntervalSet {
    invariant(count >= 0, 'a count is not negative');
    const taken: Interval[] = [];
    let left = count;
    for (let i = this.intervals.length - 1; i >= 0 && left > 0; i--) {
      const { from, to } = this.intervals[i]!;
      const start = Math.max(from, to - left + 1);
      taken.push({ from: start, to });
      left -= to - start + 1;
    }
    return IntervalSet.of(taken);
  }

  equals(other: IntervalSet): boolean {
    return (
      this === other ||
      (this.intervals.length === other.intervals.length &&
        this.intervals.every(
          ({ from, to }, i) => from === other.intervals[i]!.from && to === other.intervals[i]!.to,
        ))
    );
  }

  /** `1-57,60`. */
  toString(): string {
    return this.intervals.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
  }

  /** Index of the first interval that ends at or after `sequence`. */
  #indexOf(sequence: number): number {
    let low = 0;
    let high = this.intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.intervals[middle]!.to < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function check({ from, to }: Interval): void {
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from < 1 || to < from) {
    throw new WafersyncError('invalid', `interval ${from}-${to} is not a range of sequences from 1`);
  }
}
