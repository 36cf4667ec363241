import { InvalidArgumentError } from 'commander';
import { AS_IN_THE_FIELD, CLEAN, type DirtRates } from '../../generator/dirt.ts';
import type { LotParameters, RetestMarks } from '../../generator/parameters.ts';
import type { PresetName } from '../../generator/presets.ts';
import { PRESETS } from '../../generator/presets.ts';

/** Options of `wafersync generate`, as the command line has them. */
export interface GenerateOptions {
  /** Folder that files are written to; this or `node`. */
  readonly out?: string;
  /** host:port of a node that results are streamed to. */
  readonly node?: string;
  /** Most results a second that are streamed; absent: as fast as may be. */
  readonly rate?: number;
  readonly seed: number;
  readonly preset: PresetName;
  readonly lot: string;
  readonly lots: number;
  readonly wafers?: number;
  readonly dies?: number;
  readonly tests?: number;
  readonly sites?: number;
  readonly mpr?: number;
  readonly ftr?: number;
  readonly nonFinite?: number;
  readonly retests: RetestMarks;
  readonly allTests?: boolean;
  readonly dirt: DirtRates;
  readonly wafersPerFile?: number;
  readonly byteOrder: ByteOrders;
  readonly compress: Compress;
  readonly json?: boolean;
}

/** How numbers are written: mixed is little and big in turn, file by file. */
export const BYTE_ORDERS = ['little', 'big', 'mixed'] as const;
/** One of {@link BYTE_ORDERS}. */
export type ByteOrders = (typeof BYTE_ORDERS)[number];

/** How files are compressed. */
export const COMPRESS = ['none', 'gzip'] as const;
/** One of {@link COMPRESS}. */
export type Compress = (typeof COMPRESS)[number];

/** Names of the presets. */
export const PRESET_NAMES = Object.keys(PRESETS);

/** How retests are marked. */
export const RETEST_MARKS: readonly RetestMarks[] = ['none', 'part-id', 'coordinates'];

/** What a lot is made from: the preset, and whatever the options say besides. */
export function parametersOf(options: GenerateOptions): Partial<LotParameters> {
  const given = {
    wafers: options.wafers,
    dies: options.dies,
    tests: options.tests,
    sites: options.sites,
    mprShare: options.mpr,
    ftrShare: options.ftr,
    nonFinite: options.nonFinite,
    stopOnFail: options.allTests ? false : undefined,
  };
  return {
    ...PRESETS[options.preset],
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    retestMarks: options.retests,
    dirt: options.dirt,
  };
}

/** Reads a seed: any whole number. */
export function seedNumber(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed) || text.trim() === '')
    throw new InvalidArgumentError('It must be a whole number.');
  return seed;
}

/** Reads a share, 0 to 1. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('It must be a share from 0 to 1, such as 0.05.');
  return value;
}

/** Names of the rates of dirt. */
export const DIRT_NAMES: readonly string[] = Object.keys(CLEAN).map(kebab);

/** Reads rates of dirt: `none`, `field`, or some such as `cut-files=0.1,clocks-off=1`. */
export function dirtRates(text: string): DirtRates {
  if (text === 'none') return CLEAN;
  if (text === 'field') return AS_IN_THE_FIELD;
  const keys = Object.keys(CLEAN);
  const rates = text.split(',').map((part) => {
    const [name = '', rate = ''] = part.trim().split('=');
    const key = keys[DIRT_NAMES.indexOf(name)];
    if (key) return [key, share(rate)] as const;
    throw new InvalidArgumentError(
      `It must be none, field, or rates such as cut-files=0.1. There are: ${DIRT_NAMES.join(', ')}.`,
    );
  });
  return { ...CLEAN, ...Object.fromEntries(rates) };
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
