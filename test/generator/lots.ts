import type { AttemptModel } from '../../src/generator/attempt-model.ts';
import { lotFiles } from '../../src/generator/lot-files.ts';
import { type LotModel, makeLot } from '../../src/generator/model.ts';
import { type FileTruth, ModelDigest } from '../../src/generator/model-digest.ts';
import { type LotParameters, lotParameters } from '../../src/generator/parameters.ts';
import { type StdfOptions, writeStdf } from '../../src/generator/stdf-writer.ts';
import { touchdowns } from '../../src/generator/touchdowns.ts';

/** A small lot for a test. */
export function lotOf(given: Partial<LotParameters>): LotModel {
  return makeLot(lotParameters({ seed: 1, lot: 'LOT', dies: 60, tests: 20, ...given }));
}

/** The first file of a lot, written in one go, and its truth by the model. */
export function written(
  lot: LotModel,
  each: 'lot' | 'wafer' = 'lot',
  options: StdfOptions = {},
): { readonly bytes: Buffer; readonly pieces: readonly Uint8Array[]; readonly truth: FileTruth } {
  const digest = new ModelDigest();
  const pieces = [...writeStdf(lot, lotFiles(lot, each)[0]!, { ...options, observer: digest })];
  return { bytes: Buffer.concat(pieces), pieces, truth: digest.truth() };
}

/** All attempts of the lot, wafer by wafer, in file order. */
export function attemptsOf(lot: LotModel): readonly (readonly AttemptModel[])[] {
  return lot.wafers.map((wafer) => [...touchdowns(lot, wafer)].flatMap((touchdown) => touchdown.attempts));
}

/** One record as it stands in a file. */
export interface RawRecord {
  /** REC_TYP and REC_SUB as `15/10`. */
  readonly kind: string;
  readonly body: Buffer;
}

/** Walks over a little-endian file by the lengths in its headers. */
export function recordsOf(file: Buffer): readonly RawRecord[] {
  const records: RawRecord[] = [];
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt16LE(at);
    records.push({ kind: `${file[at + 2]}/${file[at + 3]}`, body: file.subarray(at + 4, end) });
    at = end;
  }
  return records;
}
