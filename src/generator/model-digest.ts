import { createHash } from 'node:crypto';
import { type AttemptModel, type ResultModel, resultsInFileOrder, type Touchdown } from './attempt-model.ts';
import type { FileObserver, LotFile } from './lot-files.ts';
import type { LotModel } from './model.ts';
import { ModelYield, type YieldRules } from './model-yield.ts';
import { touchdowns } from './touchdowns.ts';
import type { WaferModel } from './wafer-model.ts';

/** SHA-256 digests of a file's content, hex. */
export interface ContentDigests {
  /** What a store must give back: each part in file order, followed by its results in execution order. */
  readonly attempts_sha256: string;
  /** Each part in file order. */
  readonly parts_sha256: string;
  /** Each result in file order, those of parts that were cut off too. */
  readonly results_sha256: string;
}

/** What is true of a file, whoever reads it. */
export interface FileTruth {
  /** Complete parts: one a touchdown and die. */
  readonly attempts: number;
  /** Results that belong to complete parts. */
  readonly results: number;
  readonly digests: ContentDigests;
  readonly yield: YieldRules;
}

/**
 * Computes the truth about a file from the model alone: neither the bytes nor any reader of them take part, so that
 * it proves both. Lines, each with its fields separated by tabs:
 *
 * - part: index in the file, head, site, x, y, hard bin, soft bin (empty if none), PART_FLG, NUM_TEST, part id
 * - result, for `results_sha256`: record, test number, head, site, TEST_FLG, values
 * - result, for `attempts_sha256`: record, test number, name without its non-ASCII characters, TEST_FLG, values
 *
 * Values are the eight hex digits of their float32 bits, or `nan`, separated by commas.
 */
export class ModelDigest implements FileObserver {
  readonly #attempts = createHash('sha256');
  readonly #parts = createHash('sha256');
  readonly #results = createHash('sha256');
  readonly #yield = new ModelYield();
  #attemptCount = 0;
  #resultCount = 0;

  wafer(_wafer: WaferModel): void {
    this.#yield.wafer();
  }

  touchdown(touchdown: Touchdown): void {
    for (const [attempt, result] of resultsInFileOrder(touchdown)) this.#addResult(attempt, result);
    for (const attempt of touchdown.attempts) this.#addAttempt(attempt);
  }

  cutTouchdown(touchdown: Touchdown): void {
    const whole = [...resultsInFileOrder(touchdown)].slice(0, -1);
    for (const [attempt, result] of whole) this.#addResult(attempt, result);
  }

  /** The truth; nothing can be added afterwards. */
  truth(): FileTruth {
    return {
      attempts: this.#attemptCount,
      results: this.#resultCount,
      digests: {
        attempts_sha256: this.#attempts.digest('hex'),
        parts_sha256: this.#parts.digest('hex'),
        results_sha256: this.#results.digest('hex'),
      },
      yield: this.#yield.rules(),
    };
  }

  #addResult({ head, site }: AttemptModel, { test, flags, values }: ResultModel): void {
    const start = `${test.kind}\t${test.number}\t${head}\t${site}\t${flags}`;
    this.#results.update(`${start}\t${hexValues(values)}\n`, 'latin1');
  }

  #addAttempt(attempt: AttemptModel): void {
    const part = partLine(this.#attemptCount, attempt);
    const results = attempt.results.map(
      ({ test, flags, values }) =>
        `${test.kind}\t${test.number}\t${asciiOnly(test.name)}\t${flags}\t${hexValues(values)}\n`,
    );
    this.#parts.update(part, 'latin1');
    this.#attempts.update(part + results.join(''), 'latin1');
    this.#yield.add(attempt);
    this.#attemptCount++;
    this.#resultCount += attempt.results.length;
  }
}

/** The truth about a file without writing it. */
export function fileTruth(lot: LotModel, file: LotFile): FileTruth {
  const digest = new ModelDigest();
  for (const [ordinal, index] of file.wafers.entries()) {
    const wafer = lot.wafers[index] as WaferModel;
    digest.wafer(wafer);
    for (const touchdown of touchdowns(lot, wafer)) {
      if (file.cut?.ordinal === ordinal && file.cut.touchdown === touchdown.index) {
        digest.cutTouchdown(touchdown);
        return digest.truth();
      }
      digest.touchdown(touchdown);
    }
  }
  return digest.truth();
}

function partLine(index: number, attempt: AttemptModel): string {
  const { head, site, die, hardBin, softBin, partFlags, testCount, partId } = attempt;
  const bins = `${hardBin}\t${softBin ?? ''}`;
  return `${index}\t${head}\t${site}\t${die.x}\t${die.y}\t${bins}\t${partFlags}\t${testCount}\t${partId}\n`;
}

const scratch = new DataView(new ArrayBuffer(4));

function hexValues(values: readonly number[]): string {
  return values.map(hexValue).join(',');
}

function hexValue(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  scratch.setFloat32(0, value);
  return scratch.getUint32(0).toString(16).padStart(8, '0');
}

function asciiOnly(text: string): string {
  return text.replace(/[^\0-\x7f]/g, '');
}
