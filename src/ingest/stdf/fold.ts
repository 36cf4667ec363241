import { type Collector, type JoinedPart, PartJoiner } from './part-joiner.ts';
import type { MirFields, PrrRecord, StdfRecord } from './records.ts';
import { TestTable } from './test-table.ts';
import { WaferTable } from './wafer-table.ts';

/** A part whose PRR was read. */
export interface ClosedPart<C> extends JoinedPart<C> {
  /** Position of the PRR in the file, from 0. */
  readonly index: number;
  /** Ordinal of the wafer that was open; null if none was. */
  readonly wafer: number | null;
  readonly record: PrrRecord;
}

/**
 * What a file says, record by record: tests, wafers, and which results belong to which part. Pure: all passes over a
 * file take the same steps, and differ only in how they keep the results of a part.
 */
export class StdfFold<C> {
  readonly tests = new TestTable();
  readonly wafers = new WaferTable();
  readonly parts: PartJoiner<C>;
  #partCount = 0;
  #mir: MirFields | null = null;
  #hasMrr = false;
  #recordsAfterMrr = 0;

  constructor(collector: Collector<C>) {
    this.parts = new PartJoiner(collector);
  }

  /** Takes a record in; returns the part that it closes. @throws WafersyncError `invalid` beyond a stated bound */
  step(record: StdfRecord): ClosedPart<C> | null {
    if (this.#hasMrr && record.type !== 'MRR') this.#recordsAfterMrr++;
    switch (record.type) {
      case 'PTR':
      case 'MPR':
      case 'FTR':
        this.parts.add(record, this.tests.index(record));
        return null;
      case 'PIR':
        this.parts.begin(record.head, record.site);
        return null;
      case 'PRR':
        return this.#close(record);
      case 'WIR':
        this.wafers.begin(record);
        return null;
      case 'WRR':
        this.wafers.end(record, this.#partCount);
        return null;
      case 'MIR':
        this.#mir ??= record.fields;
        return null;
      case 'MRR':
        this.#hasMrr = true;
        return null;
      case 'other':
        return null;
    }
  }

  /** Parts closed. */
  get partCount(): number {
    return this.#partCount;
  }

  /** The first MIR; null without one. */
  get mir(): MirFields | null {
    return this.#mir;
  }

  get hasMrr(): boolean {
    return this.#hasMrr;
  }

  /** Records behind the first MRR, other MRRs not counted. */
  get recordsAfterMrr(): number {
    return this.#recordsAfterMrr;
  }

  #close(record: PrrRecord): ClosedPart<C> {
    const joined = this.parts.end(record.head, record.site);
    const wafer = this.wafers.countPart(record.head);
    return { ...joined, index: this.#partCount++, wafer, record };
  }
}
