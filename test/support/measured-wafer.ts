import { type Attempt, PART_FAILED, TEST_FAILED } from '../../src/wafer/attempt.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';

/** What a measured wafer is like. */
export interface MeasuredWaferOptions {
  /** Dies of the first pass. */
  readonly dies: number;
  /** Tests of the program. */
  readonly tests: number;
  readonly seed?: number;
  /** Every n-th die carries no results; 0 means that all have some. */
  readonly emptyEvery?: number;
  /** Results carry times of their own. */
  readonly resultTimes?: boolean;
}

/** One test of the model. Values are drawn around `mean`; all lengths are in the units of the test. */
interface TestModel {
  readonly kind: 'normal' | 'lognormal' | 'quantised' | 'constant';
  readonly mean: number;
  readonly sigma: number;
  /** Shifts of lot and wafer, slopes across the wafer, difference of the second site; in sigmas. */
  readonly shift: number;
  readonly radial: number;
  readonly tilt: number;
  readonly siteOffset: number;
  /** How long the test takes. */
  readonly durationUs: number;
}

const FAIL_RATE = 0.08;
const STARTED_AT_US = Date.UTC(2026, 2, 14, 6, 30) * 1000;

/**
 * Attempts of a wafer as a tester would give them, the same for the same options: 70 % normal, 10 % lognormal,
 * 10 % quantised and 10 % constant tests, float32 values, two sites, stop on fail, fails retested at the end.
 */
export function measuredWafer(options: MeasuredWaferOptions): Attempt[] {
  const random = new Random(options.seed ?? 1);
  const tests = Array.from({ length: options.tests }, (_, i) => testModel(i, random));
  const side = Math.ceil(Math.sqrt(options.dies));
  const attempts: Attempt[] = [];
  const retests: { x: number; y: number }[] = [];
  let clockUs = STARTED_AT_US;
  const touch = (x: number, y: number, fails: boolean): void => {
    const empty = options.emptyEvery
      ? attempts.length % options.emptyEvery === options.emptyEvery - 1
      : false;
    const attempt = touchdown(
      { tests, side, x, y, fails, empty, clockUs, index: attempts.length },
      options,
      random,
    );
    clockUs += (attempt.testTimeMs ?? 0) * 1000 + 180_000 + Math.floor(random.uniform() * 20_000);
    attempts.push(attempt);
  };
  for (let die = 0; die < options.dies; die++) {
    const row = Math.floor(die / side);
    const x = row % 2 === 0 ? die % side : side - 1 - (die % side);
    const fails = random.uniform() < FAIL_RATE;
    if (fails) retests.push({ x, y: row });
    touch(x - (side >> 1), row, fails);
  }
  for (const { x, y } of retests) touch(x - (side >> 1), y, random.uniform() < 0.55);
  return attempts;
}

interface Touchdown {
  readonly tests: readonly TestModel[];
  readonly side: number;
  readonly x: number;
  readonly y: number;
  readonly fails: boolean;
  readonly empty: boolean;
  readonly clockUs: number;
  readonly index: number;
}

function touchdown(die: Touchdown, options: MeasuredWaferOptions, random: Random): Attempt {
  const site = die.index % 2;
  const failAt = die.fails ? Math.floor(random.uniform() * die.tests.length) : -1;
  const executed = die.fails ? failAt + 1 : die.tests.length;
  const builder = new ResultsBuilder();
  let elapsedUs = 0;
  for (let i = 0; i < executed; i++) {
    const test = die.tests[i]!;
    const value = measure(test, die, site, i === failAt, random);
    if (!die.empty) {
      builder.result(i, i === failAt ? TEST_FAILED : 0, 0, options.resultTimes ? elapsedUs : 0);
      builder.value64(Math.fround(value));
    }
    elapsedUs += test.durationUs + Math.floor(random.uniform() * 16);
  }
  return {
    index: die.index,
    head: 1,
    site,
    x: die.x,
    y: die.y,
    partId: String(die.index + 1),
    hardBin: die.fails ? 2 + (failAt % 6) : 1,
    softBin: die.fails ? 100 + failAt : 1,
    partFlags: die.fails ? PART_FAILED : 0,
    testCount: executed,
    testTimeMs: Math.round(elapsedUs / 1000),
    startedAtUs: die.clockUs,
    sequenceSpan: 0,
    results: builder.take(),
  };
}

function testModel(index: number, random: Random): TestModel {
  const kinds = ['normal', 'normal', 'lognormal', 'normal', 'quantised', 'normal', 'constant'] as const;
  const kind = index % 10 < 7 ? kinds[index % 10]! : 'normal';
  const mean = (random.uniform() < 0.2 ? -1 : 1) * 10 ** (random.uniform() * 12 - 9);
  return {
    kind,
    mean,
    sigma: Math.abs(mean) * 10 ** (random.uniform() * 1.7 - 2.7),
    shift: 0.36 * random.normal(),
    radial: 0.5 * random.normal(),
    tilt: 0.3 * random.normal(),
    siteOffset: 0.1 * random.normal(),
    durationUs: Math.floor(500 + random.uniform() * 4000),
  };
}

function measure(test: TestModel, die: Touchdown, site: number, fails: boolean, random: Random): number {
  if (test.kind === 'constant') return fails ? test.mean * 2 : test.mean;
  const column = (2 * die.x) / die.side;
  const row = (2 * die.y) / die.side - 1;
  const place = test.radial * (column * column + row * row) + test.tilt * column;
  const sigmas = test.shift + place + site * test.siteOffset + random.normal() + (fails ? 8 : 0);
  if (test.kind === 'lognormal') return test.mean * Math.exp(0.4 * sigmas);
  if (test.kind === 'quantised') {
    const step = test.sigma / 2;
    return Math.round(test.mean / step) * step + step * Math.max(-8, Math.min(7, Math.round(2 * sigmas)));
  }
  return test.mean + test.sigma * sigmas;
}

/** Small deterministic generator (mulberry32) with a normal law on top. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Evenly spread in [0, 1). */
  uniform(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Mean 0, deviation 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }
}
