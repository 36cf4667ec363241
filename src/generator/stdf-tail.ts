import type { LotModel } from './model.ts';
import type { StdfBytes } from './stdf-bytes.ts';
import type { BinCount, PartCount, StdfCounts } from './stdf-counts.ts';
import { localSeconds } from './stdf-head.ts';
import type { WaferModel } from './wafer-model.ts';

/** HEAD_NUM of a summary over all heads and sites. */
const ALL = 0xff;

/** A count that the tester does not keep. */
const UNKNOWN = 0xffffffff;

/** RTST_CNT: testers leave it at 0 in spite of retests. */
const RETESTS = 0;

/** After the last die of a wafer: WRR. */
export function writeWaferEnd(
  bytes: StdfBytes,
  lot: LotModel,
  wafer: WaferModel,
  total: PartCount,
  endMs: number,
): void {
  bytes.record(2, 20, () =>
    bytes
      .u1(1)
      .u1(0xff)
      .u4(localSeconds(lot, endMs))
      .u4(total.parts)
      .u4(RETESTS)
      .u4(total.aborted)
      .u4(total.good)
      .u4(UNKNOWN)
      .cn(wafer.id),
  );
}

/** Everything after the last wafer: TSR, HBR, SBR, PCR, MRR. */
export function writeTail(bytes: StdfBytes, lot: LotModel, counts: StdfCounts, endMs: number): void {
  writeTestSummaries(bytes, lot, counts);
  writeBins(bytes, 40, counts.hardBins);
  writeBins(bytes, 50, counts.softBins);
  for (const [site, count] of sorted(counts.sites)) writeParts(bytes, 1, site, count);
  writeParts(bytes, ALL, 0, counts.total());
  bytes.record(1, 20, () => bytes.u4(localSeconds(lot, endMs)).c1(' '));
}

function writeTestSummaries(bytes: StdfBytes, lot: LotModel, counts: StdfCounts): void {
  for (const test of lot.tests) {
    const { executed, failed, alarms } = counts.tests[test.index]!;
    const type = test.kind.charAt(0);
    bytes.record(10, 30, () =>
      bytes.u1(ALL).u1(0).c1(type).u4(test.number).u4(executed).u4(failed).u4(alarms).cn(test.name),
    );
  }
}

function writeBins(bytes: StdfBytes, subtype: 40 | 50, bins: ReadonlyMap<number, BinCount>): void {
  for (const [number, { parts, passes }] of sorted(bins)) {
    const name = passes ? 'PASS' : `FAIL_${number}`;
    bytes.record(1, subtype, () =>
      bytes
        .u1(ALL)
        .u1(0)
        .u2(number)
        .u4(parts)
        .c1(passes ? 'P' : 'F')
        .cn(name),
    );
  }
}

function writeParts(bytes: StdfBytes, head: number, site: number, { parts, good, aborted }: PartCount): void {
  bytes.record(1, 30, () => bytes.u1(head).u1(site).u4(parts).u4(RETESTS).u4(aborted).u4(good).u4(UNKNOWN));
}

function sorted<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].sort(([a], [b]) => a - b);
}
