import type { FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { appliedOf, type Report } from './report.ts';

/** How far a set of updates has come in the mesh, as the answering node knows it. */
export interface Coverage {
  /** `pending` until every member has applied all of them; `unknown` for no updates at all. */
  readonly state: 'unknown' | 'pending' | 'synced';
  /** Members that have applied all of them, sorted. */
  readonly synced: readonly FabId[];
  /** Members that are not known to, sorted by fab, with how many they miss. */
  readonly missing: readonly { readonly fab: FabId; readonly updates: number }[];
}

/**
 * Coverage of a wafer or a run.
 * @param dots what the answering node knows of it
 * @param members all fabs of the mesh
 * @param reports the latest report of each node; a member without one is not known to have anything
 */
export function coverageOf(
  dots: TransportVector,
  members: readonly FabId[],
  reports: readonly Report[],
): Coverage {
  if (dots.isEmpty) return { state: 'unknown', synced: [], missing: [] };
  const applied = new Map(reports.map((report) => [report.node.fab, appliedOf(report)]));
  const counts = [...members].sort().map((fab) => {
    const has = applied.get(fab);
    return { fab, updates: has ? dots.difference(has).size : dots.size };
  });
  const missing = counts.filter(({ updates }) => updates > 0);
  const synced = counts.filter(({ updates }) => updates === 0).map(({ fab }) => fab);
  return { state: missing.length === 0 ? 'synced' : 'pending', synced, missing };
}

/** Whether two coverages say the same. */
export function sameCoverage(a: Coverage, b: Coverage): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
