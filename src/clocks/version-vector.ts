import { compareOrigins, type Dot, type Origin, type OriginKey, originKey, parseOriginKey } from './dot.ts';

/**
 * Causal context of a write: origin → greatest sequence seen. Immutable.
 *
 * It covers a dot when the dot's sequence is not above the origin's entry. That is exact for one field, since an
 * origin's own writes of one field are totally ordered (Parker et al., "Detection of Mutual Inconsistency", 1983).
 */
export class VersionVector {
  static readonly empty = new VersionVector(new Map());
  readonly #heads: ReadonlyMap<OriginKey, number>;

  private constructor(heads: ReadonlyMap<OriginKey, number>) {
    this.#heads = heads;
  }

  /** The least vector that covers the dots. */
  static of(dots: Iterable<Dot>): VersionVector {
    const heads = new Map<OriginKey, number>();
    for (const dot of dots) {
      const key = originKey(dot);
      heads.set(key, Math.max(heads.get(key) ?? 0, dot.sequence));
    }
    return heads.size === 0 ? VersionVector.empty : new VersionVector(heads);
  }

  get isEmpty(): boolean {
    return this.#heads.size === 0;
  }

  /** Greatest sequence seen of an origin; 0 if none. */
  get(origin: Origin): number {
    return this.#heads.get(originKey(origin)) ?? 0;
  }

  /** Origins and their heads, in the order of {@link compareOrigins}. */
  entries(): [Origin, number][] {
    return [...this.#heads]
      .map(([key, head]): [Origin, number] => [parseOriginKey(key), head])
      .sort(([a], [b]) => compareOrigins(a, b));
  }

  covers(dot: Dot): boolean {
    return dot.sequence <= this.get(dot);
  }

  join(other: VersionVector): VersionVector {
    const heads = new Map(this.#heads);
    for (const [key, head] of other.#heads) heads.set(key, Math.max(heads.get(key) ?? 0, head));
    return new VersionVector(heads);
  }

  /** How this stands to another: which one has seen more. */
  compare(other: VersionVector): 'equal' | 'before' | 'after' | 'concurrent' {
    const less = [...this.#heads].every(([key, head]) => head <= (other.#heads.get(key) ?? 0));
    const more = [...other.#heads].every(([key, head]) => head <= (this.#heads.get(key) ?? 0));
    if (less) return more ? 'equal' : 'before';
    return more ? 'after' : 'concurrent';
  }
}
