import { seededRandom } from '../support/mesh-time.ts';

/** Chance out of one seed. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Uniform in [0, 1). */
  readonly next = (): number => this.#random();

  /** Whole, from 0 to n − 1. */
  int(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** Uniform in [least, most). */
  between(least: number, most: number): number {
    return least + this.#random() * (most - least);
  }

  chance(p: number): boolean {
    return this.#random() < p;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]!;
  }

  /** Each kept by chance; at least one. */
  some<T>(from: readonly T[], p = 0.5): T[] {
    const kept = from.filter(() => this.chance(p));
    return kept.length > 0 ? kept : [this.pick(from)];
  }

  /** Other chance, that hangs on this one's next value alone: drawing more from it leaves this one as it is. */
  split(): Dice {
    return new Dice(Math.floor(this.#random() * 2 ** 32));
  }

  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.int(256));
  }
}
