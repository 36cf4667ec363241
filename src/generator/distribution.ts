import { exp } from './exact-math.ts';
import type { Random } from './random.ts';

/** How the values of a test are spread. */
export type Shape = 'normal' | 'lognormal' | 'quantised' | 'constant';

/** Spread of a test's values; they are functions of a standard deviate z, about normal between −5 and 5. */
export interface Distribution {
  readonly shape: Shape;
  /** Middle of the values: mean, median, middle level, or the one value. */
  readonly middle: number;
  /** normal: standard deviation. lognormal: that of the logarithm. quantised: distance of two levels. */
  readonly spread: number;
}

/** Limits of a test; null where there is none. Float32 values: a value at a limit passes. */
export interface Limits {
  readonly low: number | null;
  readonly high: number | null;
}

const LEVELS = 16;
const LEVELS_PER_SIGMA = 1.3;

/** The float32 value at a deviate. */
export function valueAt({ shape, middle, spread }: Distribution, z: number): number {
  switch (shape) {
    case 'normal':
      return Math.fround(middle + spread * z);
    case 'lognormal':
      return Math.fround(middle * exp(spread * z));
    case 'quantised':
      // Halves go down: rounded up, the level at exactly 5 sigma would lie beyond the high limit.
      return levelValue(middle, spread, Math.ceil(LEVELS / 2 + LEVELS_PER_SIGMA * z - 0.5));
    case 'constant':
      return Math.fround(middle);
  }
}

/** Limits 5 to 8 standard deviations away on both sides, so that good dies pass whatever their wafer's shift. */
export function drawLimits(distribution: Distribution, random: Random): { low: number; high: number } {
  const { shape, middle, spread } = distribution;
  const low = -random.between(5.5, 8);
  const high = random.between(5.5, 8);
  if (shape === 'quantised') {
    return { low: levelValue(middle, spread, 1), high: levelValue(middle, spread, LEVELS - 2) };
  }
  return { low: valueAt(distribution, low), high: valueAt(distribution, high) };
}

/** A value beyond one of the limits, of which there must be one. */
export function failingValue(distribution: Distribution, { low, high }: Limits, random: Random): number {
  const below = high === null || (low !== null && random.chance(0.5));
  const limit = (below ? low : high) ?? 0;
  const { shape, middle, spread } = distribution;
  switch (shape) {
    case 'normal': {
      const away = spread * random.between(0.2, 6);
      return Math.fround(below ? limit - away : limit + away);
    }
    case 'lognormal':
      return Math.fround(limit * (below ? random.between(0.05, 0.9) : random.between(1.1, 20)));
    case 'quantised':
      return levelValue(middle, spread, below ? 0 : LEVELS - 1);
    case 'constant':
      return Math.fround(below ? limit - 1 : limit + 1);
  }
}

function levelValue(middle: number, step: number, level: number): number {
  const inside = Math.min(Math.max(level, 0), LEVELS - 1);
  return Math.fround(middle + (inside - LEVELS / 2) * step);
}
