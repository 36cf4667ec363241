import type { Attempt } from '../../wafer/attempt.ts';
import { PART_NO_PASS_FAIL } from '../../wafer/attempt.ts';
import { ResultsBuilder } from '../../wafer/results-builder.ts';
import type { Collector } from './part-joiner.ts';
import { NO_COORDINATE, type PrrRecord } from './records.ts';
import type { ResultRecord } from './result-record.ts';

/** Keeps nothing: the joiner counts. */
export const countingCollector: Collector<true> = {
  begin: () => true,
  add: () => {},
};

/** Keeps results as columns. Builders are used again, at most as many as parts were open at once. */
export class ColumnCollector implements Collector<ResultsBuilder> {
  readonly #spare: ResultsBuilder[] = [];

  begin(): ResultsBuilder {
    return this.#spare.pop() ?? new ResultsBuilder();
  }

  add(builder: ResultsBuilder, record: ResultRecord, test: number): void {
    builder.result(test, record.testFlags, record.parmFlags);
    for (let i = 0; i < record.valueCount; i++) builder.value32(record.valueBits(i));
  }

  /** The attempt of a PRR, `index` being its position in the file. */
  attempt(builder: ResultsBuilder, index: number, record: PrrRecord): Attempt {
    const results = builder.take();
    // A builder that grew large would keep its size for good.
    if (results.length <= SPARE_RESULTS && this.#spare.length < SPARE_BUILDERS) this.#spare.push(builder);
    return { ...attemptFields(index, record), results };
  }
}

const SPARE_BUILDERS = 256;
const SPARE_RESULTS = 65_536;

/** Fields that a PRR lacks: flags that say nothing, no bins, no coordinates, no time, else 0. */
function attemptFields(index: number, record: PrrRecord): Omit<Attempt, 'results'> {
  const located = record.x !== NO_COORDINATE && record.y !== NO_COORDINATE;
  return {
    index,
    head: Math.max(0, record.head),
    site: Math.max(0, record.site),
    x: located ? record.x : null,
    y: located ? record.y : null,
    partId: record.partId,
    hardBin: record.hardBin < 0 ? null : record.hardBin,
    softBin: record.softBin < 0 || record.softBin === 0xffff ? null : record.softBin,
    partFlags: record.partFlags < 0 ? PART_NO_PASS_FAIL : record.partFlags,
    testCount: Math.max(0, record.testCount),
    testTimeMs: record.testTimeMs < 0 ? null : record.testTimeMs,
    startedAtUs: null,
    sequenceSpan: 0,
  };
}
