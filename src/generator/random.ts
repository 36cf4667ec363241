import { normalQuantile } from './exact-math.ts';

type Words = readonly [number, number, number, number];

const ROOT: Words = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];

/**
 * Seeded random numbers, the same on every machine: sfc32 (C. Doty-Humphrey, PractRand) with keys mixed by
 * MurmurHash3's finalizer. Not for secrets.
 *
 * A fork depends on the seed and the labels that lead to it, never on how many numbers were drawn. So one part of
 * the model can change without moving the others, and wafer 20 can be made without the 19 before it.
 */
export class Random {
  readonly #key: Words;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  private constructor(key: Words) {
    this.#key = key;
    this.#a = key[0];
    this.#b = key[1];
    this.#c = key[2] ^ key[3];
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** @param seed a safe integer */
  static seeded(seed: number): Random {
    return new Random(mixedIn(ROOT, seed));
  }

  /** An independent stream under a label. */
  fork(label: string | number): Random {
    return new Random(mixedIn(this.#key, typeof label === 'number' ? label : textHash(label)));
  }

  /** A whole number from 0 to 2^32 − 1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0, included, to 1, excluded. */
  uniform(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** From `low` to `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A whole number from 0 to `count` − 1. */
  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.uniform() < probability;
  }

  /** Standard normal. */
  normal(): number {
    return normalQuantile((this.uint32() + 0.5) / 0x1_0000_0000);
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** The items in random order. */
  shuffled<T>(items: Iterable<T>): T[] {
    const list = [...items];
    for (let last = list.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [list[last], list[other]] = [list[other] as T, list[last] as T];
    }
    return list;
  }
}

/** A key for a label under a key. Both halves of the label count. */
function mixedIn(key: Words, label: number): Words {
  const low = label >>> 0;
  const high = Math.floor(label / 0x1_0000_0000) >>> 0;
  const word = (i: 0 | 1 | 2 | 3): number =>
    finalized(key[i] ^ finalized((low + Math.imul(i + 1, 0x9e3779b9)) ^ finalized(high + i)));
  return [word(0), word(1), word(2), word(3)];
}

/** FNV-1a over UTF-16 units, 32 bits; moved above them so that no small number is the label of a text. */
function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0) + 0x1_0000_0000;
}

function finalized(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
