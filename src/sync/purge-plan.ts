import type { FabId } from '../clocks/dot.ts';
import { timestampMs } from '../clocks/hlc.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { Purgeable } from '../store/purges.ts';
import { appliedOf, type Report } from './report.ts';

/** A member that a purge waits for. */
export interface PurgeBlock {
  readonly fab: FabId;
  /** Updates that are old enough and that it is not known to have applied. */
  readonly updates: number;
  /** When it last said something new of what it has, milliseconds since 1970-01-01T00:00:00Z; null where it never did. */
  readonly heardAtMs: number | null;
  /** Birth of the oldest of these updates, milliseconds. */
  readonly oldestMs: number;
}

/** What a purge would take, and what blocks the rest. */
export interface PurgeOutlook {
  readonly updates: number;
  /** Of their payloads. */
  readonly bytes: number;
  /** Updates that are old enough, and that some member is not known to have applied. */
  readonly blocked: number;
  /** Sorted by fab. */
  readonly blocks: readonly PurgeBlock[];
  /** Birth of the oldest update that is old enough, milliseconds; null without one. */
  readonly oldestMs: number | null;
}

/** What each member has applied, by its latest report; nothing where there is none. */
export function appliedByMember(
  members: readonly FabId[],
  reports: readonly Report[],
): ReadonlyMap<FabId, TransportVector> {
  const latest = new Map(reports.map((report) => [report.node.fab, report]));
  return new Map(
    [...members].sort().map((fab) => {
      const report = latest.get(fab);
      return [fab, report ? appliedOf(report) : TransportVector.empty];
    }),
  );
}

/** What all members have applied: of nothing else may the values go. */
export function appliedEverywhere(applied: ReadonlyMap<FabId, TransportVector>): TransportVector {
  const [first = TransportVector.empty, ...others] = applied.values();
  return others.reduce((all, vector) => all.intersection(vector), first);
}

/** Counts what a purge would take, update by update. */
export class OutlookCount {
  readonly #applied: ReadonlyMap<FabId, TransportVector>;
  readonly #heardAtMs: ReadonlyMap<FabId, number>;
  readonly #blocks = new Map<FabId, PurgeBlock>();
  #updates = 0;
  #bytes = 0;
  #blocked = 0;
  #oldestMs: number | null = null;

  constructor(applied: ReadonlyMap<FabId, TransportVector>, heardAtMs: ReadonlyMap<FabId, number>) {
    this.#applied = applied;
    this.#heardAtMs = heardAtMs;
  }

  /** An update that is old enough; the oldest first. */
  add({ dot, timestamp, bytes }: Purgeable): void {
    const bornMs = timestampMs(timestamp);
    this.#oldestMs ??= bornMs;
    const lacking = [...this.#applied].filter(([, vector]) => !vector.has(dot));
    if (lacking.length === 0) {
      this.#updates++;
      this.#bytes += bytes;
      return;
    }
    this.#blocked++;
    for (const [fab] of lacking) this.#block(fab, bornMs);
  }

  take(): PurgeOutlook {
    return {
      updates: this.#updates,
      bytes: this.#bytes,
      blocked: this.#blocked,
      blocks: [...this.#blocks.values()].sort((a, b) => (a.fab < b.fab ? -1 : 1)),
      oldestMs: this.#oldestMs,
    };
  }

  #block(fab: FabId, bornMs: number): void {
    const known = this.#blocks.get(fab);
    this.#blocks.set(fab, {
      fab,
      updates: (known?.updates ?? 0) + 1,
      heardAtMs: this.#heardAtMs.get(fab) ?? null,
      oldestMs: known?.oldestMs ?? bornMs,
    });
  }
}
