import type { Chain } from '../clocks/chain.ts';
import type { FabId, Origin } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { Update } from '../wafer/update.ts';
import type { ReportDelta } from './report.ts';
import type { Route } from './routes.ts';

/** Version of the protocol between nodes. Nodes of other versions refuse each other, saying so. */
export const PROTOCOL_VERSION = 1;

/** How much may be unacknowledged on a live lane. */
export interface Window {
  readonly updates: number;
  readonly bytes: number;
}

/** First words of the answering side of a live lane. */
export interface Hello {
  readonly protocol: number;
  readonly node: Origin;
  readonly window: Window;
  readonly maxUpdateBytes: number;
}

/** What the answering side of a live lane says. */
export interface PeerStatus {
  /** In the first message only. */
  readonly hello: Hello | null;
  readonly report: ReportDelta | null;
  /** Updates of this stream that are durable, refused or known already, counted from its start. */
  readonly acknowledged: number;
  /** Fabs whose updates are wanted on this lane; null when unchanged. */
  readonly wants: readonly FabId[] | null;
  readonly relayed: readonly ReportDelta[];
  /** sentAtUs of the latest announcement that carried one; 0 if none did. */
  readonly echoUs: number;
  /** Clock of the sender when it was sent, microseconds; set where it is sent. */
  readonly sentAtUs?: number;
  /** Bytes a second that the sender takes pushed at most; 0 for no limit; set where it is sent. */
  readonly maxPushBytesPerS?: number;
}

/** What the dialling side of a live lane says beside updates and programs. */
export interface Announcement {
  /** Everything in it that was not pushed on this lane is a gap. */
  readonly report: ReportDelta | null;
  /** Answer to wants: fabs whose updates follow live from here on. */
  readonly live: readonly FabId[] | null;
  readonly routes: readonly Route[] | null;
  readonly relayed: readonly ReportDelta[];
  /** Clock of the sender, microseconds; 0 where no echo is asked for. */
  readonly sentAtUs: number;
}

/** What the dialling side of a catch-up lane asks for. */
export interface PullRequest {
  readonly id: number;
  readonly wanted: TransportVector;
  readonly programs: readonly ProgramDigest[];
  readonly maxBytes: number;
  /** What the asking node has applied: of stubs it is given those that a purge among it names. Set where it is sent. */
  readonly applied?: TransportVector;
  /** Hashes wanted. */
  readonly chains?: readonly ChainQuery[];
}

/** Heights of an origin's chain whose hashes are asked for; growing. */
export interface ChainQuery {
  readonly origin: Origin;
  readonly heights: readonly number[];
}

/** End of the answer to a {@link PullRequest}. */
export interface PullEnd {
  readonly id: number;
  /** Of what was asked for, what the answering node does not have. */
  readonly unavailable: TransportVector;
  readonly missingPrograms: readonly ProgramDigest[];
  /** Of the hashes asked for, those that it has. */
  readonly chains?: readonly Chain[];
}

/** A message of the sending side of either lane. */
export type LaneMessage =
  | { readonly type: 'update'; readonly update: Update }
  | { readonly type: 'program'; readonly digest: ProgramDigest; readonly body: Uint8Array }
  | { readonly type: 'announcement'; readonly announcement: Announcement }
  | { readonly type: 'pull-end'; readonly end: PullEnd };
