import { type AttemptModel, resultsInFileOrder, type Touchdown } from './attempt-model.ts';
import type { FileObserver, LotFile } from './lot-files.ts';
import type { LotModel } from './model.ts';
import { type ByteOrder, StdfBytes } from './stdf-bytes.ts';
import { StdfCounts } from './stdf-counts.ts';
import { writeHead, writeWaferConfiguration, writeWaferStart } from './stdf-head.ts';
import { type NameRecords, ResultRecords } from './stdf-result-records.ts';
import { writeTail, writeWaferEnd } from './stdf-tail.ts';
import { lastingMs, touchdowns } from './touchdowns.ts';
import type { WaferModel } from './wafer-model.ts';

/** How a file is written. */
export interface StdfOptions {
  /** Default: little. */
  readonly byteOrder?: ByteOrder;
  /** Default: first. */
  readonly names?: NameRecords;
  readonly observer?: FileObserver;
}

/** Least size of a piece but the last. A piece ends after a touchdown, so its size is bounded by that. */
const PIECE_BYTES = 64 * 1024;

/** A file of a lot as STDF V4 bytes, piece by piece, in memory bounded by a touchdown and the program. */
export function* writeStdf(lot: LotModel, file: LotFile, options: StdfOptions = {}): Generator<Uint8Array> {
  const wafers = file.wafers.map((index) => lot.wafers[index] as WaferModel);
  const writer = new FileWriter(lot, options, wafers[0]?.startMs ?? 0);
  for (const [ordinal, wafer] of wafers.entries()) {
    writer.startWafer(wafer);
    for (const touchdown of touchdowns(lot, wafer)) {
      if (file.cut?.ordinal === ordinal && file.cut.touchdown === touchdown.index) {
        yield writer.cutWithin(touchdown);
        return;
      }
      writer.write(touchdown);
      if (writer.bytes.length >= PIECE_BYTES) yield writer.bytes.take();
    }
    writer.endWafer(wafer);
  }
  yield writer.end();
}

/** A file that is being written. */
class FileWriter {
  /** Not taken yet. */
  readonly bytes: StdfBytes;
  readonly #lot: LotModel;
  readonly #observer: FileObserver | undefined;
  readonly #results: ResultRecords;
  readonly #counts: StdfCounts;
  #waferCounts: StdfCounts;
  /** End of the last touchdown, milliseconds from the start of the lot. */
  #endMs: number;

  constructor(
    lot: LotModel,
    { byteOrder = 'little', names = 'first', observer }: StdfOptions,
    startMs: number,
  ) {
    this.bytes = new StdfBytes(byteOrder);
    this.#lot = lot;
    this.#observer = observer;
    this.#results = new ResultRecords(this.bytes, names);
    this.#counts = new StdfCounts(lot);
    this.#waferCounts = this.#counts;
    this.#endMs = startMs;
    writeHead(this.bytes, lot, byteOrder, startMs);
    writeWaferConfiguration(this.bytes, lot);
  }

  startWafer(wafer: WaferModel): void {
    this.#waferCounts = new StdfCounts(this.#lot);
    writeWaferStart(this.bytes, this.#lot, wafer);
    this.#observer?.wafer(wafer);
  }

  write(touchdown: Touchdown): void {
    this.#writeResults(touchdown);
    for (const attempt of touchdown.attempts) {
      writePart(this.bytes, attempt);
      this.#counts.add(attempt);
      this.#waferCounts.add(attempt);
    }
    this.#endMs = touchdown.startMs + lastingMs(touchdown);
    this.#observer?.touchdown(touchdown);
  }

  /** The last bytes of a file that ends within the last result of this touchdown. */
  cutWithin(touchdown: Touchdown): Uint8Array {
    this.#writeResults(touchdown);
    this.#observer?.cutTouchdown(touchdown);
    this.bytes.cutLastRecord();
    return this.bytes.take();
  }

  endWafer(wafer: WaferModel): void {
    if (!wafer.hasWrr) return;
    writeWaferEnd(this.bytes, this.#lot, wafer, this.#waferCounts.total(), this.#endMs);
  }

  /** The last bytes of a whole file. */
  end(): Uint8Array {
    writeTail(this.bytes, this.#lot, this.#counts, this.#endMs);
    return this.bytes.take();
  }

  /** PIR of every site, then the results, the sites taking turns. */
  #writeResults(touchdown: Touchdown): void {
    for (const { head, site } of touchdown.attempts) {
      this.bytes.record(5, 10, () => this.bytes.u1(head).u1(site));
    }
    for (const [attempt, result] of resultsInFileOrder(touchdown)) this.#results.write(attempt, result);
  }
}

/** PRR. */
function writePart(bytes: StdfBytes, attempt: AttemptModel): void {
  const { head, site, partFlags, testCount, hardBin, softBin, die, timeMs, partId } = attempt;
  bytes.record(5, 20, () =>
    bytes
      .u1(head)
      .u1(site)
      .u1(partFlags)
      .u2(testCount)
      .u2(hardBin)
      .u2(softBin ?? 0xffff)
      .i2(die.x)
      .i2(die.y)
      .u4(timeMs)
      .cn(partId),
  );
}
