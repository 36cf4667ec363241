import { type AttemptModel, PART_FLAG, TEST_FLAG } from './attempt-model.ts';
import type { LotModel } from './model.ts';

/** Executions of one test. */
export interface TestCount {
  executed: number;
  failed: number;
  alarms: number;
}

/** Parts of one site, or of all. */
export interface PartCount {
  parts: number;
  good: number;
  aborted: number;
}

/** Parts in one bin. */
export interface BinCount {
  parts: number;
  readonly passes: boolean;
}

/** Counts of a wafer or a file, as summary records give them: touchdowns, not dies; a retest counts again. */
export class StdfCounts {
  /** By index of the test. */
  readonly tests: readonly TestCount[];
  readonly sites = new Map<number, PartCount>();
  readonly hardBins = new Map<number, BinCount>();
  readonly softBins = new Map<number, BinCount>();

  constructor(lot: LotModel) {
    this.tests = lot.tests.map(() => ({ executed: 0, failed: 0, alarms: 0 }));
  }

  /** Counts an attempt. */
  add(attempt: AttemptModel): void {
    const passes = attempt.firstFail === -1;
    const site = this.sites.get(attempt.site) ?? { parts: 0, good: 0, aborted: 0 };
    this.sites.set(attempt.site, site);
    site.parts++;
    if (passes) site.good++;
    if (attempt.partFlags & PART_FLAG.abnormalEnd) site.aborted++;
    countBin(this.hardBins, attempt.hardBin, passes);
    if (attempt.softBin !== null) countBin(this.softBins, attempt.softBin, passes);
    for (const { test, flags } of attempt.results) {
      const count = this.tests[test.index]!;
      if (!(flags & TEST_FLAG.notExecuted)) count.executed++;
      if (flags & TEST_FLAG.failed) count.failed++;
      if (flags & TEST_FLAG.alarm) count.alarms++;
    }
  }

  /** Of all sites. */
  total(): PartCount {
    const total = { parts: 0, good: 0, aborted: 0 };
    for (const site of this.sites.values()) {
      total.parts += site.parts;
      total.good += site.good;
      total.aborted += site.aborted;
    }
    return total;
  }
}

function countBin(bins: Map<number, BinCount>, number: number, passes: boolean): void {
  const bin = bins.get(number) ?? { parts: 0, passes };
  bin.parts++;
  bins.set(number, bin);
}
