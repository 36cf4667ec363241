import type { TesterDie, TesterTest } from '../../src/tester/index.ts';

/** Results of each die: a hundred tests, as in the aims. */
export const RESULTS_PER_DIE = 100;

/** Dies of a wafer; the next die begins another one. */
const DIES_PER_WAFER = 400;
const ROW = 20;
const LOW = -5;
const HIGH = 5;

const tests: readonly TesterTest[] = Array.from({ length: RESULTS_PER_DIE }, (_, i) => ({
  name: `Test ${i}`,
  number: 1000 + i,
  units: 'V',
  lowLimit: LOW,
  highLimit: HIGH,
}));

/** The dies of a lot, one after the other: values scatter around each test's own mean, as a float32 each. */
export class Dies {
  readonly #lot: string;
  #random: number;
  #next = 0;

  /** @param seed equal seeds make equal values */
  constructor(lot: string, seed: number) {
    this.#lot = lot;
    this.#random = seed >>> 0;
  }

  next(): TesterDie {
    const number = this.#next++;
    const onWafer = number % DIES_PER_WAFER;
    const values = Float32Array.from(tests, (_, i) => (i % 7) / 2 - 1.5 + this.#noise());
    return {
      lot: this.#lot,
      waferId: `W${Math.floor(number / DIES_PER_WAFER) + 1}`,
      x: onWafer % ROW,
      y: Math.floor(onWafer / ROW),
      hardBin: 1,
      softBin: 1,
      tests,
      values,
      passed: Array.from(values, (value) => value >= LOW && value <= HIGH),
      timestampUs: Date.now() * 1000,
    };
  }

  /** About ±0.1, by a linear congruential generator. */
  #noise(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#random / 2 ** 32 - 0.5) / 5;
  }
}
