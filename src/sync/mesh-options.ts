import type { FabId } from '../clocks/dot.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { BackoffBounds } from './backoff.ts';
import type { CatchUpBounds } from './catch-up.ts';
import type { OwnChains } from './fork-searches.ts';
import type { Window } from './messages.ts';
import type { Paused } from './neighbours.ts';
import type { Report } from './report.ts';

/** What a mesh begins with. */
export interface MeshOptions {
  /** This node as it is. */
  readonly report: Report;
  /** Latest reports of others, kept from before a restart. */
  readonly known: readonly Report[];
  readonly missingPrograms: readonly ProgramDigest[];
  /** This node's hash chains. */
  readonly chains: OwnChains;
  /** Peers that this node dials. */
  readonly peers: readonly FabId[];
  /** Peers that are paused. */
  readonly paused?: Paused;
  /** What a peer may send on a live lane before it is acknowledged. */
  readonly window: Window;
  readonly catchUp: CatchUpBounds;
  readonly reconnect: BackoffBounds;
  /** Whether an update of so many bytes may be pushed to a peer now; else it is let go. Not given: always. */
  readonly mayPush?: (peer: FabId, bytes: number) => boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}
