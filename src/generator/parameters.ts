import { WafersyncError } from '../errors.ts';
import type { QuarterTurns } from './die-map.ts';
import { CLEAN, type DirtRates } from './dirt.ts';
import { SIGNATURE_RATES, type SignatureRates } from './signatures.ts';

/** Who tested, as the MIR says it. Each at most 255 bytes. */
export interface TesterNames {
  /** MIR PART_TYP. */
  readonly product: string;
  /** MIR JOB_NAM. */
  readonly jobName: string;
  /** MIR JOB_REV. */
  readonly jobRevision: string;
  /** MIR TEST_COD. */
  readonly insertion: string;
  /** MIR NODE_NAM. */
  readonly equipment: string;
  /** MIR FACIL_ID; empty in nearly all real files. */
  readonly facility: string;
}

/** How a retest is marked: not at all, by PART_FLG bit 0 and the same part id, or by bit 1 and a new one. */
export type RetestMarks = 'none' | 'part-id' | 'coordinates';

/** Everything that a lot is made from. The same parameters make the same lot. */
export interface LotParameters {
  /** Safe integer. */
  readonly seed: number;
  /** MIR LOT_ID, 1 to 200 bytes. */
  readonly lot: string;
  /** 1 to 1,000. */
  readonly wafers: number;
  /** Dies of one wafer, 1 to 100,000. */
  readonly dies: number;
  /** Tests of the program, 1 to 20,000. */
  readonly tests: number;
  /** Dies of one touchdown, 1 to 255, side by side. */
  readonly sites: number;
  /** Start of the lot: seconds since 1970 in the tester's local time, as STDF has it. */
  readonly startedAt: number;
  readonly names: TesterNames;
  /** Share of the tests that return several values (MPR). */
  readonly mprShare: number;
  /** Values of one MPR, 1 to 1,000. */
  readonly mprPins: number;
  /** Share of the tests that are functional (FTR), without a value. */
  readonly ftrShare: number;
  /** Share of the tests that have the number of the test before them, and another name. */
  readonly sharedNumbers: number;
  /** Share of the tests that are executed twice on a die. */
  readonly repeatedTests: number;
  /** Whether a die's testing ends with its first failing test. */
  readonly stopOnFail: boolean;
  /** Share of the results that are NaN, Infinity or −Infinity. An infinite value fails its limits. */
  readonly nonFinite: number;
  /** Share of the results that carry an alarm, a timeout, or were not executed. */
  readonly oddFlags: number;
  readonly retestMarks: RetestMarks;
  readonly signatures: SignatureRates;
  /** Quarter turns, counter-clockwise, by which the fab's prober turns the axes. */
  readonly quarterTurns: QuarterTurns;
  readonly dirt: DirtRates;
}

const DEFAULTS: Omit<LotParameters, 'seed' | 'lot'> = {
  wafers: 1,
  dies: 300,
  tests: 60,
  sites: 4,
  // 2026-01-05 08:00:00 on the tester's clock.
  startedAt: 1_767_600_000,
  names: {
    product: 'WS-100',
    jobName: 'WS100_SORT',
    jobRevision: 'C3',
    insertion: 'WS1',
    equipment: 'TESTER-07',
    facility: '',
  },
  mprShare: 0,
  mprPins: 5,
  ftrShare: 0,
  sharedNumbers: 0.05,
  repeatedTests: 0.02,
  stopOnFail: true,
  nonFinite: 1e-5,
  oddFlags: 1e-4,
  retestMarks: 'none',
  signatures: SIGNATURE_RATES,
  quarterTurns: 0,
  dirt: CLEAN,
};

/** Parameters with the defaults filled in. @throws WafersyncError `invalid` naming the parameter and its bounds */
export function lotParameters(
  given: Partial<LotParameters> & Pick<LotParameters, 'seed' | 'lot'>,
): LotParameters {
  const parameters = { ...DEFAULTS, ...given };
  whole('seed', parameters.seed, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  whole('wafers', parameters.wafers, 1, 1_000);
  whole('dies', parameters.dies, 1, 100_000);
  whole('tests', parameters.tests, 1, 20_000);
  whole('sites', parameters.sites, 1, 255);
  whole('mprPins', parameters.mprPins, 1, 1_000);
  whole('startedAt', parameters.startedAt, 86_400, 4_000_000_000);
  for (const name of SHARES) share(name, parameters[name]);
  for (const [name, rate] of Object.entries(parameters.dirt)) share(`dirt.${name}`, rate);
  share('mprShare + ftrShare', parameters.mprShare + parameters.ftrShare);
  share(
    'signatures, all together',
    Object.values(parameters.signatures).reduce((a, b) => a + b, 0),
  );
  text('lot', parameters.lot, 1, 200);
  for (const [name, value] of Object.entries(parameters.names)) text(`names.${name}`, value, 0, 255);
  return parameters;
}

const SHARES = ['mprShare', 'ftrShare', 'sharedNumbers', 'repeatedTests', 'nonFinite', 'oddFlags'] as const;

function whole(name: string, value: number, low: number, high: number): void {
  if (Number.isSafeInteger(value) && value >= low && value <= high) return;
  throw new WafersyncError('invalid', `generator: ${name} is ${value}`, {
    hint: `Give a whole number from ${low} to ${high}.`,
  });
}

function share(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new WafersyncError('invalid', `generator: ${name} is ${value}`, {
    hint: 'Give a share from 0 to 1.',
  });
}

function text(name: string, value: string, low: number, high: number): void {
  const bytes = Buffer.byteLength(value);
  if (bytes >= low && bytes <= high) return;
  throw new WafersyncError('invalid', `generator: ${name} has ${bytes} bytes`, {
    hint: `Give a text of ${low} to ${high} bytes.`,
  });
}
