import type { Answer } from './ask.ts';

/** How long the latest update from elsewhere took until it was visible at a node. */
export interface LatestLag {
  /** Where it was born; empty where the node does not tell. */
  readonly fab_id: string;
  readonly ms: number;
  /** Whether the offset of that fab's clock was known, and is taken out. */
  readonly corrected: boolean;
  /** How far `ms` may be off for that offset; 0 where it is not corrected. */
  readonly uncertainty_ms: number;
  /** When it became visible there, ms since 1970; 0 where the node does not tell. */
  readonly at_ms: number;
}

/** Of the lags by fab that a node measured, the latest; null where nothing has come since its start. */
export function latestLag({ node, peers }: Answer): LatestLag | null {
  if (peers === null) return byTheClocks(node.last_lag_ms);
  let latest: LatestLag | null = null;
  for (const { fab_id, lag } of peers) {
    if (lag && lag.at_ms > (latest?.at_ms ?? 0)) latest = { fab_id, ...lag };
  }
  return latest;
}

/** A node of a version without ListPeers tells one number, by the clocks as they are. */
function byTheClocks(ms: number): LatestLag | null {
  return ms > 0 ? { fab_id: '', ms, corrected: false, uncertainty_ms: 0, at_ms: 0 } : null;
}
