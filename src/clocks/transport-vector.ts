import {
  compareOrigins,
  type Dot,
  type FabId,
  type Origin,
  type OriginKey,
  originKey,
  parseOriginKey,
} from './dot.ts';
import { IntervalSet } from './interval-set.ts';

/**
 * Which updates a node has, origin by origin: received, applied, or missing. Immutable.
 *
 * Invariant: no origin maps to an empty set, so that equal vectors have equal maps.
 */
export class TransportVector {
  static readonly empty = new TransportVector(new Map());
  readonly #sets: ReadonlyMap<OriginKey, IntervalSet>;

  private constructor(sets: ReadonlyMap<OriginKey, IntervalSet>) {
    this.#sets = sets;
  }

  static of(entries: Iterable<readonly [Origin, IntervalSet]>): TransportVector {
    const sets = new Map<OriginKey, IntervalSet>();
    for (const [origin, set] of entries) {
      const key = originKey(origin);
      const union = (sets.get(key) ?? IntervalSet.empty).union(set);
      if (!union.isEmpty) sets.set(key, union);
    }
    return new TransportVector(sets);
  }

  get isEmpty(): boolean {
    return this.#sets.size === 0;
  }

  /** How many updates it names. */
  get size(): number {
    let size = 0;
    for (const set of this.#sets.values()) size += set.size;
    return size;
  }

  /** Origins and their sets, in the order of {@link compareOrigins}. */
  entries(): [Origin, IntervalSet][] {
    return [...this.#sets]
      .map(([key, set]): [Origin, IntervalSet] => [parseOriginKey(key), set])
      .sort(([a], [b]) => compareOrigins(a, b));
  }

  /** Origins of one fab and their sets, in no order. */
  ofFab(fab: FabId): [Origin, IntervalSet][] {
    const own: [Origin, IntervalSet][] = [];
    for (const [key, set] of this.#sets) if (key.startsWith(`${fab}.`)) own.push([parseOriginKey(key), set]);
    return own;
  }

  get(origin: Origin): IntervalSet {
    return this.#sets.get(originKey(origin)) ?? IntervalSet.empty;
  }

  has(dot: Dot): boolean {
    return this.get(dot).has(dot.sequence);
  }

  /** Origins whose sets are others than in an earlier vector that this one was made of, in no order. */
  changedSince(earlier: TransportVector): Origin[] {
    const changed: Origin[] = [];
    for (const [key, set] of this.#sets)
      if (earlier.#sets.get(key) !== set) changed.push(parseOriginKey(key));
    for (const key of earlier.#sets.keys()) if (!this.#sets.has(key)) changed.push(parseOriginKey(key));
    return changed;
  }

  covers(other: TransportVector): boolean {
    return [...other.#sets].every(([key, set]) => (this.#sets.get(key) ?? IntervalSet.empty).covers(set));
  }

  add(dot: Dot): TransportVector {
    const set = this.get(dot);
    return set.has(dot.sequence) ? this : this.with(dot, set.add(dot.sequence));
  }

  /** This vector with another set for one origin. */
  with(origin: Origin, set: IntervalSet): TransportVector {
    const sets = new Map(this.#sets);
    if (set.isEmpty) sets.delete(originKey(origin));
    else sets.set(originKey(origin), set);
    return new TransportVector(sets);
  }

  /** What either has. */
  join(other: TransportVector): TransportVector {
    return this.#combine(other, (mine, theirs) => mine.union(theirs), true);
  }

  /** What this has and `other` has not. */
  difference(other: TransportVector): TransportVector {
    return this.#combine(other, (mine, theirs) => mine.difference(theirs), false);
  }

  /** What both have. */
  intersection(other: TransportVector): TransportVector {
    return this.#combine(other, (mine, theirs) => mine.intersection(theirs), false);
  }

  /** The part of it whose origins pass. */
  filter(keep: (origin: Origin) => boolean): TransportVector {
    return TransportVector.of(this.entries().filter(([origin]) => keep(origin)));
  }

  equals(other: TransportVector): boolean {
    return (
      this.#sets.size === other.#sets.size &&
      [...this.#sets].every(([key, set]) => other.#sets.get(key)?.equals(set) ?? false)
    );
  }

  /** `az.1-…:1-9 tw.1-…:1-57,60`. */
  toString(): string {
    return this.entries()
      .map(([origin, set]) => `${originKey(origin)}:${set}`)
      .join(' ');
  }

  #combine(
    other: TransportVector,
    combine: (mine: IntervalSet, theirs: IntervalSet) => IntervalSet,
    both: boolean,
  ): TransportVector {
    const sets = new Map<OriginKey, IntervalSet>();
    const keys = both ? new Set([...this.#sets.keys(), ...other.#sets.keys()]) : this.#sets.keys();
    for (const key of keys) {
      const set = combine(
        this.#sets.get(key) ?? IntervalSet.empty,
        other.#sets.get(key) ?? IntervalSet.empty,
      );
      if (!set.isEmpty) sets.set(key, set);
    }
    return new TransportVector(sets);
  }
}
