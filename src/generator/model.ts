import { WafersyncError } from '../errors.ts';
import { type Die, proberPath, type QuarterTurns, roundDieMap, type SitedDie } from './die-map.ts';
import { drawLimitChanges, type LimitChange } from './limit-changes.ts';
import { type LotTerms, makeTerms } from './lot-terms.ts';
import type { LotParameters } from './parameters.ts';
import { Random } from './random.ts';
import { makeFlow, makeTests, type TestModel } from './test-model.ts';
import { STEP_MS } from './touchdowns.ts';
import { makeWafer, type WaferModel } from './wafer-model.ts';

/** How far a tester's clock is off at most, either way. */
const MAX_CLOCK_OFFSET_SECONDS = 300;

/** A lot of wafers as a tester meets it. All of it follows from the parameters. */
export interface LotModel {
  readonly parameters: LotParameters;
  readonly tests: readonly TestModel[];
  /** Tests by index in the order of execution on a die; some are repeated. */
  readonly flow: readonly number[];
  /** Tests by index that a die can fail; there is at least one. */
  readonly failable: readonly number[];
  readonly dies: readonly Die[];
  /** First touchdowns of every wafer. */
  readonly path: readonly (readonly SitedDie[])[];
  /** Quarter turns of the prober's axes, as the lot was tested. */
  readonly quarterTurns: QuarterTurns;
  /** What the tester's clock shows too much. */
  readonly clockOffsetSeconds: number;
  readonly terms: LotTerms;
  /** By index of the test. */
  readonly limitChanges: ReadonlyMap<number, LimitChange>;
  readonly wafers: readonly WaferModel[];
  /** Root of the lot's random numbers. */
  readonly random: Random;
}

/**
 * Makes a lot: program, die map and wafers; `touchdowns` makes the results.
 * @throws WafersyncError `invalid` where the lot would last longer than STDF can date
 */
export function makeLot(parameters: LotParameters): LotModel {
  const random = Random.seeded(parameters.seed);
  const tests = makeTests(parameters, random.fork('tests'));
  const quarterTurns = drawTurns(parameters, random.fork('axes'));
  const dies = roundDieMap(parameters.dies, quarterTurns);
  const path = proberPath(dies, parameters.sites);
  const flow = makeFlow(tests.length, parameters.repeatedTests, random.fork('flow'));
  const waferMs = longestWaferMs(tests, flow, path.length);
  const indexes = [...Array(parameters.wafers).keys()];
  checkEnd(parameters, waferMs);
  return {
    parameters,
    tests,
    flow,
    failable: tests.filter(canFail).map((test) => test.index),
    dies,
    path,
    quarterTurns,
    clockOffsetSeconds: drawClockOffset(parameters, random.fork('clock')),
    terms: makeTerms(tests.length, parameters.sites, random.fork('terms')),
    limitChanges: drawLimitChanges(tests, parameters, path.length, random.fork('limit changes')),
    wafers: indexes.map((i) => makeWafer(i, i * waferMs, parameters, random.fork('wafer').fork(i))),
    random,
  };
}

function drawTurns({ dirt, quarterTurns }: LotParameters, random: Random): QuarterTurns {
  return random.chance(dirt.turnedAxes) ? random.pick([1, 2, 3] as const) : quarterTurns;
}

function drawClockOffset({ dirt }: LotParameters, random: Random): number {
  if (!random.chance(dirt.clocksOff)) return 0;
  return (1 + random.below(MAX_CLOCK_OFFSET_SECONDS)) * random.pick([-1, 1] as const);
}

/** STDF has 32 bits for a time in seconds. */
function checkEnd({ startedAt, wafers }: LotParameters, waferMs: number): void {
  const days = (wafers * waferMs) / 86_400_000;
  if (startedAt + days * 86_400 + MAX_CLOCK_OFFSET_SECONDS <= 0xffffffff) return;
  throw new WafersyncError(
    'invalid',
    `generator: a lot of ${Math.ceil(days)} days ends after the year 2106`,
    {
      hint: 'Ask for fewer wafers, dies or tests, or for more sites.',
    },
  );
}

function canFail({ kind, limits }: TestModel): boolean {
  return kind === 'FTR' || limits.low !== null || limits.high !== null;
}

/** So that each wafer's start is known without testing those before it. */
function longestWaferMs(tests: readonly TestModel[], flow: readonly number[], path: number): number {
  const dieMs = flow.reduce((sum, index) => sum + (tests[index]?.timeMs ?? 0), 0);
  const loadMs = 60_000;
  return loadMs + Math.ceil(path * 1.12 + 2) * (STEP_MS + dieMs);
}
