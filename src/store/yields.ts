import { byPlace, type CompositeDie, compositeDies } from '../wafer/composite.ts';
import type { RunId } from '../wafer/run.ts';
import type { Verdict, YieldView } from '../wafer/views.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import {
  CountingAttempts,
  type OutcomeCount,
  type VerdictCount,
  type WaferAttempt,
} from './counting-attempts.ts';
import type { LocalKeys } from './keys.ts';

/** Attempts of a wafer that count. What says neither passed nor failed is in `parts` alone. */
export type WaferYield = VerdictCount;

/** Attempts of a wafer that count and are in one bin. */
export interface BinCount {
  /** Bin; null for those that have none. */
  readonly bin: number | null;
  readonly parts: number;
}

/** Bins of a wafer's attempts that count, by growing number; null comes last. */
export interface WaferBins {
  readonly hard: readonly BinCount[];
  readonly soft: readonly BinCount[];
}

/** An attempt that counts at a die with coordinates. */
export interface DieAttempt {
  readonly x: number;
  readonly y: number;
  /** Attempts at the die, those that do not count included. */
  readonly attempts: number;
  readonly run: RunId;
  /** Index in the run. */
  readonly index: number;
  readonly hardBin: number | null;
  readonly softBin: number | null;
  readonly passed: Verdict;
}

/** A wafer over all its insertions. */
export interface Composite {
  /** Its dies, those without coordinates included. */
  readonly yield: WaferYield;
  readonly dies: readonly CompositeDie[];
}

/** Yields of wafers as they stand, by the attempts that a view counts. Reads of attempts as few as it can. */
export class Yields {
  readonly #keys: LocalKeys;
  readonly #counting: CountingAttempts;
  readonly #insertions;

  constructor(connection: Connection, keys: LocalKeys, counting = new CountingAttempts(connection)) {
    this.#keys = keys;
    this.#counting = counting;
    this.#insertions = connection.prepare<[string, string], { wafer: number; insertion: string }>(
      'SELECT id AS wafer, insertion FROM wafers WHERE wafer_id = ? AND lot = ? ORDER BY insertion',
    );
  }

  /** Yield of a wafer by a view; all 0 where the wafer is not known here. */
  of(key: WaferKey, view: YieldView): WaferYield {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return yieldOf([]);
    const { sets, chosen } = this.#counting.of(wafer, view);
    return sum([...sets.map(({ verdicts }) => verdicts.get(wafer)!), yieldOf(chosen)]);
  }

  /** Hard and soft bins of a wafer by a view, attempts without coordinates included. */
  bins(key: WaferKey, view: YieldView): WaferBins {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return { hard: [], soft: [] };
    const { sets, chosen } = this.#counting.of(wafer, view);
    const counts = sets.flatMap(({ outcomes }) => outcomes.all(wafer));
    const all = [...counts, ...[...chosen].map((attempt) => ({ ...attempt, parts: 1 }))];
    return { hard: binsOf(all, 'hardBin'), soft: binsOf(all, 'softBin') };
  }

  /**
   * The wafer map by a view: its attempts that count, by x, y and order. A die may come more than once by `raw` and
   * `flagged`, and not at all by `flagged`, where a part of the same id superseded it at another place.
   */
  dies(key: WaferKey, view: YieldView): DieAttempt[] {
    const wafer = this.#keys.findWafer(key);
    if (wafer === null) return [];
    // The attempts of a die are all chosen or all in one set, each in order, and sorting keeps that order.
    return this.#counting.rows(wafer, view).filter(isPlaced).sort(byPlace).map(toDieAttempt);
  }

  /**
   * A wafer over all its insertions, each by the same view; empty where the wafer is not known here. Insertions are
   * joined by the coordinates that their runs gave.
   */
  composite({ lot, waferId }: Omit<WaferKey, 'insertion'>, view: YieldView): Composite {
    const insertions = this.#insertions.all(waferId, lot);
    const dies = compositeDies(
      insertions.map(({ wafer, insertion }) => ({ insertion, attempts: this.#counting.rows(wafer, view) })),
    );
    return { yield: yieldOf(dies), dies };
  }
}

function yieldOf(parts: Iterable<{ readonly passed: Verdict }>): WaferYield {
  const counts = { parts: 0, passed: 0, failed: 0 };
  for (const { passed } of parts) {
    counts.parts++;
    if (passed === true) counts.passed++;
    if (passed === false) counts.failed++;
  }
  return counts;
}

function sum(yields: readonly WaferYield[]): WaferYield {
  return yields.reduce((a, b) => ({
    parts: a.parts + b.parts,
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
  }));
}

type Binned = Pick<OutcomeCount, 'hardBin' | 'softBin' | 'parts'>;

function binsOf(counts: readonly Binned[], kind: 'hardBin' | 'softBin'): BinCount[] {
  const bins = new Map<number | null, number>();
  for (const { [kind]: bin, parts } of counts) bins.set(bin, (bins.get(bin) ?? 0) + parts);
  return [...bins]
    .map(([bin, parts]) => ({ bin, parts }))
    .sort((a, b) => (a.bin ?? Number.POSITIVE_INFINITY) - (b.bin ?? Number.POSITIVE_INFINITY));
}

type Placed = WaferAttempt & { readonly x: number; readonly y: number };

function isPlaced(attempt: WaferAttempt): attempt is Placed {
  return attempt.x !== null;
}

function toDieAttempt({ x, y, attempts, run, index, hardBin, softBin, passed }: Placed): DieAttempt {
  return { x, y, attempts, run, index, hardBin, softBin, passed };
}
