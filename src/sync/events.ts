import type { Dot, FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Update } from '../wafer/update.ts';
import type { ForkFound } from './fork-searches.ts';
import type { Announcement, PeerStatus, PullEnd, PullRequest } from './messages.ts';
import type { Paused } from './neighbours.ts';
import type { Report } from './report.ts';

/** Names one stream between two nodes, live or catch-up; never used again within a process. */
export type LaneId = number;

/** How an update came to this node. */
export type Via = 'local' | 'live' | 'pull';

/** A received update that no longer waits: it is durable, was known before, or was refused. */
export interface StoredUpdate {
  /** Lane that brought it. */
  readonly lane: LaneId;
  readonly dot: Dot;
  readonly bytes: number;
}

/** What one commit changed. */
export interface CommitEvent {
  readonly type: 'commit';
  /** Updates that are new in the log, in order. */
  readonly added: readonly { readonly update: Update; readonly via: Via }[];
  /** Received updates that were dealt with. */
  readonly stored: readonly StoredUpdate[];
  /** Received updates that were refused: another stands under the dot. */
  readonly forked?: readonly { readonly lane: LaneId; readonly dot: Dot }[];
  /** This node after the commit. */
  readonly report: Report;
  /** Programs that held updates wait for. */
  readonly missingPrograms: readonly ProgramDigest[];
}

/** What the mesh is told. */
export type MeshEvent =
  | { readonly type: 'start' }
  | CommitEvent
  /** The store could not take what lanes brought: disk full, say. */
  | {
      readonly type: 'store-failed';
      readonly failed: readonly StoredUpdate[];
      readonly error: WafersyncError;
    }
  /** The disk is full from now on, or no longer. */
  | { readonly type: 'storage'; readonly full: boolean }
  | { readonly type: 'heartbeat'; readonly nowUs: number }
  /** These peers are dialled from now on, and no others; some have moved to another address. */
  | { readonly type: 'peers'; readonly peers: readonly FabId[]; readonly moved: readonly FabId[] }
  /** These are paused from now on, and no others. */
  | { readonly type: 'pauses'; readonly paused: Paused }
  // The live lane that this node dialled.
  | { readonly type: 'outbound-dialled'; readonly peer: FabId; readonly lane: LaneId }
  | {
      readonly type: 'outbound-status';
      readonly lane: LaneId;
      readonly status: PeerStatus;
      readonly nowUs: number;
    }
  | { readonly type: 'outbound-blocked' | 'outbound-writable'; readonly lane: LaneId }
  | { readonly type: 'outbound-down'; readonly lane: LaneId; readonly error: WafersyncError }
  // The live lane that a peer dialled.
  | { readonly type: 'inbound-up'; readonly peer: FabId; readonly lane: LaneId }
  | { readonly type: 'inbound-update'; readonly lane: LaneId; readonly update: Update }
  /** An update whose digest is wrong: it was not received. */
  | { readonly type: 'inbound-refused'; readonly lane: LaneId; readonly error: WafersyncError }
  | { readonly type: 'inbound-announcement'; readonly lane: LaneId; readonly announcement: Announcement }
  | { readonly type: 'inbound-blocked' | 'inbound-writable'; readonly lane: LaneId }
  | { readonly type: 'inbound-down'; readonly lane: LaneId; readonly error: WafersyncError }
  // The catch-up lane that this node dialled.
  | { readonly type: 'pull-dialled'; readonly peer: FabId; readonly lane: LaneId }
  | { readonly type: 'pull-update'; readonly lane: LaneId; readonly update: Update }
  | { readonly type: 'pull-end'; readonly lane: LaneId; readonly end: PullEnd }
  | { readonly type: 'pull-down'; readonly lane: LaneId; readonly error: WafersyncError }
  /** The catch-up lane that a peer dialled, to be asked on; from then on as one that this node dialled. */
  | { readonly type: 'offered'; readonly peer: FabId; readonly lane: LaneId }
  // The catch-up lane in reverse that this node dials.
  | { readonly type: 'offer-due'; readonly peer: FabId }
  | { readonly type: 'offer-down'; readonly peer: FabId; readonly error: WafersyncError };

/** Events after which there is nothing to say that was not said. */
export const CHANGES_NO_WORD: ReadonlySet<MeshEvent['type']> = new Set([
  'inbound-update',
  'inbound-blocked',
  'outbound-dialled',
  'outbound-blocked',
  'pull-dialled',
  'pull-update',
  'pull-end',
  'pull-down',
  'offered',
  'offer-due',
  'offer-down',
]);

/** Events after which nothing new can be ripe for pulling. */
export const CHANGES_NO_GAP: ReadonlySet<MeshEvent['type']> = new Set([
  'inbound-update',
  'inbound-blocked',
  'inbound-writable',
  'outbound-blocked',
  'outbound-writable',
  'offer-due',
  'offer-down',
]);

/** What the mesh wants done. */
export type MeshEffect =
  /** Dial a live lane after a while; answered by outbound-dialled. A later one for the same peer replaces it. */
  | { readonly type: 'dial-outbound'; readonly peer: FabId; readonly afterMs: number }
  /** Forget what was to be dialled of a peer after a while. */
  | { readonly type: 'stop-dialling'; readonly peer: FabId }
  | { readonly type: 'send-update'; readonly lane: LaneId; readonly update: Update }
  | { readonly type: 'send-program'; readonly lane: LaneId; readonly digest: ProgramDigest }
  | { readonly type: 'send-announcement'; readonly lane: LaneId; readonly announcement: Announcement }
  | { readonly type: 'send-status'; readonly lane: LaneId; readonly status: PeerStatus }
  /** Dial a catch-up lane after a while; answered by pull-dialled. */
  | { readonly type: 'dial-pull'; readonly peer: FabId; readonly afterMs: number }
  /** Say offer-due after a while. A later one for the same peer replaces it. */
  | { readonly type: 'offer-after'; readonly peer: FabId; readonly afterMs: number }
  /** Dial a catch-up lane in reverse, and answer what the peer asks; ended by offer-down. */
  | { readonly type: 'dial-offer'; readonly peer: FabId }
  | { readonly type: 'end-offer'; readonly peer: FabId; readonly error: WafersyncError }
  | { readonly type: 'send-pull'; readonly lane: LaneId; readonly request: PullRequest }
  /** Hand an update to the replica; answered in a commit or by store-failed. */
  | { readonly type: 'store'; readonly lane: LaneId; readonly update: Update; readonly via: 'live' | 'pull' }
  /** End a stream from this side; answered by its down event. */
  | { readonly type: 'close'; readonly lane: LaneId; readonly error: WafersyncError }
  /** The latest report of another node is news: keep it, tell those who watch. */
  | { readonly type: 'report'; readonly report: Report }
  /** This node and another have other updates under the same dots, or its epoch is to be renewed: see {@link ForkFound}. */
  | { readonly type: 'settle'; readonly found: ForkFound }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn';
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

/** One peer as operators see it. */
export interface PeerView {
  readonly peer: FabId;
  readonly outboundUp: boolean;
  readonly inboundUp: boolean;
  /** Fabs whose updates come live from it, sorted. */
  readonly liveFabs: readonly FabId[];
  /** Round trip of the live lane, milliseconds; 0 before the first measurement. */
  readonly rttMs: number;
  readonly lastError: string;
  /** What this node has and the peer is not known to have. */
  readonly behind: TransportVector;
}
