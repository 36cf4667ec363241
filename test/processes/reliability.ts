import { duration, grouped, table } from '../../src/cli/output.ts';
import type { Loss } from './ledger.ts';

/** A fault that was made, and what came of it. */
export interface FaultRecord {
  /** What was done. */
  readonly fault: string;
  /** From the end of the fault until all fabs have what any had then, milliseconds. */
  readonly convergedMs: number;
  /** Writes acknowledged, by any node, since the fault before. */
  readonly acknowledged: number;
  /** Conflicts that came, though nobody wrote what another wrote. */
  readonly falseConflicts: number;
}

/** All faults of a kind. */
export interface ReliabilityRow {
  readonly fault: string;
  readonly times: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly falseConflicts: number;
  readonly convergedMedianMs: number;
  readonly convergedMaxMs: number;
}

/** A row a kind of fault. @param losses those of a fault name it by its position in `records` */
export function reliability(
  kinds: readonly string[],
  records: readonly FaultRecord[],
  losses: readonly Loss[],
): ReliabilityRow[] {
  return kinds.map((kind) => {
    const own = [...records.entries()].filter(([, { fault }]) => fault === kind);
    const sum = (of: (record: FaultRecord) => number) => own.reduce((total, [, one]) => total + of(one), 0);
    const times = own.map(([, { convergedMs }]) => convergedMs).sort((a, b) => a - b);
    return {
      ...{ fault: kind, times: own.length, acknowledged: sum((record) => record.acknowledged) },
      lost: losses.filter(({ fault }) => own.some(([number]) => number === fault)).length,
      falseConflicts: sum((record) => record.falseConflicts),
      convergedMedianMs: times[Math.floor(times.length / 2)] ?? 0,
      convergedMaxMs: times.at(-1) ?? 0,
    };
  });
}

/** The rows as people read them. */
export function reliabilityTable(rows: readonly ReliabilityRow[]): string {
  return table(
    ['FAULT', 'TIMES', 'ACKNOWLEDGED', 'LOST', 'FALSE CONFLICTS', 'WHOLE AGAIN, MEDIAN', 'MAX'],
    rows.map((row) => [
      ...[row.fault, row.times, grouped(row.acknowledged), row.lost, row.falseConflicts],
      ...[duration(row.convergedMedianMs), duration(row.convergedMaxMs)],
    ]),
  );
}
