import { type Distribution, drawLimits, type Limits, type Shape } from './distribution.ts';
import type { LotParameters } from './parameters.ts';
import type { Random } from './random.ts';
import { FAMILIES, FUNCTIONAL_FAMILIES, type TestFamily } from './test-families.ts';
import type { TestModel } from './test-model.ts';

/** Shares of the tests with values by shape; the rest are normal. */
export const SHAPE_SHARES: Readonly<Record<Exclude<Shape, 'normal'>, number>> = {
  lognormal: 0.1,
  quantised: 0.1,
  constant: 0.1,
};

/** Share of the tests with values that have both limits; of the rest, each has one or none. */
export const TWO_SIDED_SHARE = 0.95;

/** Share of the normal tests whose records carry specification limits. */
const SPEC_SHARE = 0.1;

const NO_LIMITS: Limits = { low: null, high: null };

/** Drafts of all tests of a program, in the order in which it runs them. Shares are exact to the nearest test. */
export function draftTests(parameters: LotParameters, random: Random): TestDraft[] {
  const functional = Math.round(parameters.tests * parameters.ftrShare);
  const valued = parameters.tests - functional;
  const shapes = shapesOf(valued);
  const mprs = Math.min(Math.round(parameters.tests * parameters.mprShare), valued);
  const limits = new Set(random.fork('limits').shuffled(shapes.keys()).slice(0, twoSided(valued)));
  const drafts = [
    ...shapes.map((shape, i) => valuedDraft(shape, i < mprs, limits.has(i), parameters, random.fork(i))),
    ...Array.from({ length: functional }, (_, i) => functionalDraft(i)),
  ];
  return drafts.sort((a, b) => a.order - b.order);
}

/** A test that has no place, number and bin of its own yet. */
export type TestDraft = Omit<TestModel, 'index' | 'number' | 'numberIsShared' | 'softBin' | 'timeMs'> & {
  /** Place of its family in the program. */
  readonly order: number;
};

/** Normal ones first: so those become the MPRs. */
function shapesOf(count: number): Shape[] {
  const others = (Object.entries(SHAPE_SHARES) as [Shape, number][]).flatMap(([shape, share]) =>
    Array<Shape>(Math.round(count * share)).fill(shape),
  );
  return [...Array<Shape>(Math.max(0, count - others.length)).fill('normal'), ...others].slice(0, count);
}

/** At least one test must be able to fail. */
function twoSided(count: number): number {
  return Math.max(Math.min(1, count), Math.round(count * TWO_SIDED_SHARE));
}

function valuedDraft(
  shape: Shape,
  multiple: boolean,
  bothLimits: boolean,
  { mprPins }: LotParameters,
  random: Random,
): TestDraft {
  const family = random.pick(FAMILIES[shape]);
  const distribution = distributionOf(shape, family, random);
  const both = drawLimits(distribution, random);
  const wider = shape === 'normal' && random.chance(SPEC_SHARE);
  return {
    kind: multiple ? 'MPR' : 'PTR',
    name: family.name,
    units: family.units,
    scale: family.scale,
    distribution,
    limits: bothLimits ? both : random.pick([NO_LIMITS, { ...both, low: null }, { ...both, high: null }]),
    spec: wider ? widened(both, distribution.spread) : NO_LIMITS,
    pins: multiple ? mprPins : 1,
    hardBin: family.hardBin,
    order: family.hardBin * 100 + FAMILIES[shape].indexOf(family),
  };
}

function distributionOf(shape: Shape, { middle, spread }: TestFamily, random: Random): Distribution {
  if (shape === 'constant') return { shape, middle, spread };
  if (shape === 'quantised') return { shape, middle: middle + spread * random.below(8), spread };
  const factor = random.between(0.85, 1.15);
  const moved = shape === 'normal' ? spread * factor : spread;
  return { shape, middle: middle * factor, spread: moved * random.between(0.8, 1.25) };
}

function widened({ low, high }: { low: number; high: number }, by: number): Limits {
  return { low: Math.fround(low - by), high: Math.fround(high + by) };
}

function functionalDraft(i: number): TestDraft {
  const family = FUNCTIONAL_FAMILIES[i % FUNCTIONAL_FAMILIES.length] as TestFamily;
  const { name, units, scale, hardBin } = family;
  const order = 10_000 + (i % FUNCTIONAL_FAMILIES.length);
  return {
    kind: 'FTR',
    name,
    units,
    scale,
    distribution: null,
    limits: NO_LIMITS,
    spec: NO_LIMITS,
    pins: 0,
    hardBin,
    order,
  };
}
