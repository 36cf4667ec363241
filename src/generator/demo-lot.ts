import { WafersyncError } from '../errors.ts';
import { lotFiles } from './lot-files.ts';
import { makeLot } from './model.ts';
import { type FileTruth, ModelDigest } from './model-digest.ts';
import { type LotParameters, lotParameters } from './parameters.ts';
import { PRESETS } from './presets.ts';
import type { ByteOrder } from './stdf-bytes.ts';
import { writeStdf } from './stdf-writer.ts';

/** Which demo lot. */
export interface DemoLotOptions {
  /** 1 or more: lot 1 is DEMO-001. */
  readonly number: number;
  /** Default: the number. */
  readonly seed?: number;
  /** Default: 2. */
  readonly wafers?: number;
  /** Start of the lot: seconds since 1970 in the tester's local time. Default: a fixed day, so that bytes repeat. */
  readonly startedAt?: number;
  /** Default: little. */
  readonly byteOrder?: ByteOrder;
  /** Anything else of the lot. */
  readonly parameters?: Partial<LotParameters>;
}

/** A small lot in one STDF file, and what is true of it. */
export interface DemoLot extends FileTruth {
  /** Lot id. */
  readonly lot: string;
  /** Insertion of its wafers. */
  readonly insertion: string;
  readonly fileName: string;
  /** The file. */
  readonly stdf: Uint8Array;
  /** Ids of the wafers in order. */
  readonly wafers: readonly string[];
}

/** Makes a demo lot. The same options make the same bytes. @throws WafersyncError `invalid` */
export function demoLot(options: DemoLotOptions): DemoLot {
  const { number } = options;
  if (!Number.isSafeInteger(number) || number < 1) {
    throw new WafersyncError('invalid', `demo lot number is ${number}`, { hint: 'Count lots from 1.' });
  }
  const parameters = lotParameters({
    ...PRESETS.demo,
    ...(options.wafers === undefined ? {} : { wafers: options.wafers }),
    ...(options.startedAt === undefined ? {} : { startedAt: options.startedAt }),
    ...options.parameters,
    seed: options.seed ?? number,
    lot: `DEMO-${String(number).padStart(3, '0')}`,
  });
  const lot = makeLot(parameters);
  const file = lotFiles(lot, 'lot')[0]!;
  const digest = new ModelDigest();
  const stdf = Buffer.concat([
    ...writeStdf(lot, file, { byteOrder: options.byteOrder ?? 'little', observer: digest }),
  ]);
  return {
    ...digest.truth(),
    lot: parameters.lot,
    insertion: parameters.names.insertion,
    fileName: file.name,
    stdf,
    wafers: lot.wafers.map((wafer) => wafer.id),
  };
}
