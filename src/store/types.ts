import type { Dot, FabId, Origin } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { AttemptSummary } from '../wafer/attempt.ts';
import type { Edit } from '../wafer/document/edit.ts';
import type { Purge } from '../wafer/purge.ts';
import type { RunId, RunRecord } from '../wafer/run.ts';
import type { UpdateHeader, UpdateKind } from '../wafer/update.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';

/** How the store reads what updates carry. Each throws a WafersyncError where the bytes are not what they should be. */
export interface Decoders {
  decodeHeader(bytes: Uint8Array): UpdateHeader;
  /** Payload of kind `run`. */
  decodeRunRecord(payload: Uint8Array): RunRecord;
  /** Payload of kinds `edit` and `retire`. */
  decodeEdit(payload: Uint8Array): Edit;
  /** Payload of kind `results`, or its stub: its attempts, in growing order of index. */
  readAttempts(payload: Uint8Array): AttemptSummary[];
  /** Payload of kind `results` without its values. */
  stubPayload(payload: Uint8Array): Uint8Array;
  /** Payload of kind `purge`. */
  decodePurge(payload: Uint8Array): Purge;
}

/** Why an update is held: received, but not applied. Meanings stand at the column held_updates.reason. */
export type HoldReason = 'program' | 'clock' | 'kind' | 'fold' | 'purge';

/** An update that is held. */
export interface HeldUpdate {
  readonly dot: Dot;
  readonly kind: UpdateKind;
  readonly timestamp: Timestamp;
  readonly reason: HoldReason;
  /** The reason in words. */
  readonly detail: string;
  /** Wall clock since when, milliseconds since 1970-01-01T00:00:00Z. */
  readonly sinceMs: number;
}

/** An attempt as it counts here. */
export interface StoredAttempt extends AttemptSummary {
  readonly run: RunId;
  readonly wafer: WaferKey;
  /** Update whose content counts: the smallest dot of those that bring the attempt. */
  readonly dot: Dot;
  /** Stream sequence of its last result: index + sequenceSpan. */
  readonly lastSequence: number;
}

/** Greatest stream sequence of a run at one head and site. */
export interface SiteProgress {
  readonly head: number;
  readonly site: number;
  readonly lastSequence: number;
}

/** What is known of a run. */
export interface RunRow {
  readonly id: RunId;
  /** Fab of the update with the smallest dot. */
  readonly fab: FabId;
  /** Start that that update gives, microseconds since 1970-01-01T00:00:00Z. */
  readonly startedAtUs: number;
  /** Attempts kept. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** Record that counts; null while the run goes on. */
  readonly record: RunRecord | null;
}

/** What one update brings to a run. */
export interface RunUpdate {
  readonly dot: Dot;
  /** Wafer of its attempts. */
  readonly wafer: WaferKey;
  /** Indexes in the run of its attempts that count, growing; never empty. */
  readonly indexes: readonly number[];
  /** The first of them. */
  readonly firstIndex: number;
}

/** What is known of a wafer. */
export interface WaferRow {
  readonly key: WaferKey;
  /** Runs that added to it. */
  readonly runs: number;
  /** Attempts kept. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** Dies with coordinates. */
  readonly dies: number;
  /** Of those, passed by their last attempt. */
  readonly passedDies: number;
  /** Least timestamp of its applied results updates; null where it has none. */
  readonly firstUpdate: Timestamp | null;
  /** Greatest timestamp of its applied results updates; null where it has none. */
  readonly lastUpdate: Timestamp | null;
}

/** Which wafers are asked for; an absent part matches everything. */
export interface WaferFilter {
  readonly waferId?: string;
  readonly lot?: string;
  readonly insertion?: string;
}

/** What one node has, by its own word. */
export interface PeerReport {
  /** The node: its fab and the epoch of its database. */
  readonly origin: Origin;
  /** Grows with every commit of that database. */
  readonly number: number;
  readonly applied: TransportVector;
  readonly received: TransportVector;
}

/** Sizes of a node's database. */
export interface StoreStats {
  readonly updates: number;
  /** Without those that were dropped. */
  readonly held: number;
  /** Found damaged, and not come again yet: in the log, and not counted among its updates. */
  readonly damaged: number;
  readonly attempts: number;
  readonly results: number;
  /** Wafers that an applied results update names. */
  readonly wafers: number;
}
