import type { Touchdown } from './attempt-model.ts';
import type { LotModel } from './model.ts';
import type { WaferModel } from './wafer-model.ts';

/** What one file of a lot holds. */
export interface LotFile {
  readonly name: string;
  /** Positions of its wafers in the lot. */
  readonly wafers: readonly number[];
  /** Where the file ends too early; null where it does not. */
  readonly cut: FileCut | null;
  /** It is handed in once more under another name. */
  readonly isRepeated: boolean;
}

/** The file ends within the last result of a touchdown of the first pass. */
export interface FileCut {
  /** Position of the wafer in the file. */
  readonly ordinal: number;
  /** Position of the touchdown in the wafer. */
  readonly touchdown: number;
}

/** Sees what goes into a file while it is written, so that a lot need not be made twice. */
export interface FileObserver {
  /** A wafer begins. */
  wafer(wafer: WaferModel): void;
  touchdown(touchdown: Touchdown): void;
  /** The file ends within the last result of this touchdown, before any of its parts is complete. */
  cutTouchdown(touchdown: Touchdown): void;
}

/**
 * The files of a lot: one for all wafers, one a wafer, or one for every so many of them. Some are cut, and some repeated,
 * as often as the lot's dirt says.
 */
export function lotFiles(lot: LotModel, each: 'lot' | 'wafer' | number): readonly LotFile[] {
  const name = lot.parameters.lot;
  const all = lot.wafers.map((wafer) => wafer.index);
  if (each === 'lot') return [fileOf(lot, `${name}.stdf`, all, 0)];
  const size = each === 'wafer' ? 1 : each;
  const groups = Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  );
  return groups.map((wafers, number) => {
    const numbers = [...new Set([wafers[0], wafers.at(-1)])].map((index) => twoDigits((index ?? 0) + 1));
    return fileOf(lot, `${name}-${numbers.join('-')}.stdf`, wafers, number);
  });
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}

function fileOf(lot: LotModel, name: string, wafers: readonly number[], number: number): LotFile {
  const isRepeated = lot.random.fork('repeat').fork(number).chance(lot.parameters.dirt.repeatedDrops);
  return { name, wafers, cut: drawCut(lot, number, wafers.length), isRepeated };
}

function drawCut(lot: LotModel, file: number, wafers: number): FileCut | null {
  const random = lot.random.fork('cut').fork(file);
  if (!random.chance(lot.parameters.dirt.cutFiles)) return null;
  return { ordinal: random.below(wafers), touchdown: random.below(lot.path.length) };
}
