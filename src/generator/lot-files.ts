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

/** The files of a lot: one for all wafers, or one a wafer. Some are cut, as often as the lot's dirt says. */
export function lotFiles(lot: LotModel, each: 'lot' | 'wafer'): readonly LotFile[] {
  const name = lot.parameters.lot;
  const all = lot.wafers.map((wafer) => wafer.index);
  if (each === 'lot') return [{ name: `${name}.stdf`, wafers: all, cut: drawCut(lot, 0, all.length) }];
  return all.map((index) => ({
    name: `${name}-${String(index + 1).padStart(2, '0')}.stdf`,
    wafers: [index],
    cut: drawCut(lot, index, 1),
  }));
}

function drawCut(lot: LotModel, file: number, wafers: number): FileCut | null {
  const random = lot.random.fork('cut').fork(file);
  if (!random.chance(lot.parameters.dirt.cutFiles)) return null;
  return { ordinal: random.below(wafers), touchdown: random.below(lot.path.length) };
}
