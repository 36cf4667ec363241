import { compareOrigins, type Dot, type FabId, type Origin, type OriginKey, originKey } from './dot.ts';
import { IntervalSet } from './interval-set.ts';

/** An origin and which of its updates. */
type Entry = readonly [Origin, IntervalSet];

/**
 * Which updates a node has, origin by origin: received, applied, or missing. Immutable.
 *
 * Invariant: no origin maps to an empty set, so that equal vectors have equal maps.
 */
export class TransportVector {
  static readonly empty = new TransportVector(new Map());
  readonly #entries: ReadonlyMap<OriginKey, Entry>;
  #sorted: readonly Entry[] | null = null;

  private constructor(entries: ReadonlyMap<OriginKey, Entry>) {
    this.#entries = entries;
  }

  static of(entries: Iterable<Entry>): TransportVector {
    const all = new Map<OriginKey, Entry>();
    for (const [{ fab, epoch }, set] of entries) {
      if (set.isEmpty) continue;
      const key = originKey({ fab, epoch });
      const [origin, before] = all.get(key) ?? [{ fab, epoch }, IntervalSet.empty];
      all.set(key, [origin, before.union(set)]);
    }
    return new TransportVector(all);
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  /** How many updates it names. */
  get size(): number {
    let size = 0;
    for (const [, set] of this.#entries.values()) size += set.size;
    return size;
  }

  /** Origins and their sets, in the order of {@link compareOrigins}. */
  entries(): readonly Entry[] {
    this.#sorted ??= [...this.#entries.values()].sort(([a], [b]) => compareOrigins(a, b));
    return this.#sorted;
  }

  /** Origins of one fab and their sets, in no order. */
  ofFab(fab: FabId): Entry[] {
    return [...this.#entries.values()].filter(([origin]) => origin.fab === fab);
  }

  get(origin: Origin): IntervalSet {
    return this.#at(originKey(origin));
  }

  has(dot: Dot): boolean {
    return this.get(dot).has(dot.sequence);
  }

  /** Origins whose sets are others than in an earlier vector that this one was made of, in no order. */
  changedSince(earlier: TransportVector): Origin[] {
    const changed: Origin[] = [];
    for (const [key, [origin, set]] of this.#entries) if (earlier.#at(key) !== set) changed.push(origin);
    for (const [key, [origin]] of earlier.#entries) if (!this.#entries.has(key)) changed.push(origin);
    return changed;
  }

  covers(other: TransportVector): boolean {
    for (const [key, [, set]] of other.#entries) if (!this.#at(key).covers(set)) return false;
    return true;
  }

  add(dot: Dot): TransportVector {
    const set = this.get(dot);
    return set.has(dot.sequence) ? this : this.with(dot, set.add(dot.sequence));
  }

  /** This vector with another set for one origin. */
  with({ fab, epoch }: Origin, set: IntervalSet): TransportVector {
    const entries = new Map(this.#entries);
    const key = originKey({ fab, epoch });
    if (set.isEmpty) entries.delete(key);
    else entries.set(key, [{ fab, epoch }, set]);
    return new TransportVector(entries);
  }

  /** What either has. */
  join(other: TransportVector): TransportVector {
    if (this.isEmpty || this === other) return other;
    const entries = new Map(this.#entries);
    for (const [key, [origin, set]] of other.#entries) entries.set(key, [origin, this.#at(key).union(set)]);
    return new TransportVector(entries);
  }

  /** What this has and `other` has not. */
  difference(other: TransportVector): TransportVector {
    return this.#changed((set, key) => set.difference(other.#at(key)));
  }

  /** What both have. */
  intersection(other: TransportVector): TransportVector {
    return this.#changed((set, key) => set.intersection(other.#at(key)));
  }

  /** The part of it whose origins pass. */
  filter(keep: (origin: Origin) => boolean): TransportVector {
    return this.map((origin, set) => (keep(origin) ? set : IntervalSet.empty));
  }

  /** Another set for each of its origins. */
  map(change: (origin: Origin, set: IntervalSet) => IntervalSet): TransportVector {
    return this.#changed((set, _, origin) => change(origin, set));
  }

  equals(other: TransportVector): boolean {
    if (this.#entries.size !== other.#entries.size) return false;
    for (const [key, [, set]] of this.#entries) if (!other.#at(key).equals(set)) return false;
    return true;
  }

  /** `az.1-…:1-9 tw.1-…:1-57,60`. */
  toString(): string {
    return this.entries()
      .map(([origin, set]) => `${originKey(origin)}:${set}`)
      .join(' ');
  }

  #at(key: OriginKey): IntervalSet {
    return this.#entries.get(key)?.[1] ?? IntervalSet.empty;
  }

  #changed(change: (set: IntervalSet, key: OriginKey, origin: Origin) => IntervalSet): TransportVector {
    const entries = new Map<OriginKey, Entry>();
    for (const [key, [origin, before]] of this.#entries) {
      const set = change(before, key, origin);
      if (!set.isEmpty) entries.set(key, [origin, set]);
    }
    return entries.size === 0 ? TransportVector.empty : new TransportVector(entries);
  }
}
