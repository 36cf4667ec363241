import { createHash } from 'node:crypto';
import { WafersyncError } from '../errors.ts';

declare const brand: unique symbol;

/** Identity of a run, 32 hex digits (16 bytes). */
export type RunId = string & { readonly [brand]: 'RunId' };

/** What every results update says about its run. */
export interface RunRef {
  readonly id: RunId;
  /** Start of the run, microseconds since 1970-01-01T00:00:00Z. Orders the attempts of a die. */
  readonly startedAtUs: number;
}

/** What is known of a run as a whole, once it has ended. */
export interface RunRecord {
  readonly source: 'file' | 'stream';
  readonly lot: string;
  /** Attempts in the run. */
  readonly attempts: number;
  /** Results in those attempts. */
  readonly results: number;
  /** False for a cut or damaged file. */
  readonly complete: boolean;
  /** Why it is not complete; empty where it is. */
  readonly incompleteReason: string;
  /** Results that belong to no attempt; they were left out. */
  readonly orphanResults: number;
  /** Name of the file without folders; empty for a stream. */
  readonly fileName: string;
  /** SHA-256 of the file's decompressed bytes, hex; empty for a stream. */
  readonly contentDigest: string;
  /** Tester: STDF MIR NODE_NAM, or equipment_id of a stream. */
  readonly equipmentId: string;
  /** Stream id; empty for a file. */
  readonly streamId: string;
  /** Product: STDF MIR PART_TYP. */
  readonly product: string;
  /** STDF MIR JOB_NAM. */
  readonly jobName: string;
  /** STDF MIR JOB_REV. */
  readonly jobRevision: string;
  /** Records by name, sorted by name; for a file. */
  readonly records: readonly (readonly [name: string, count: number])[];
  /** Whether the tester marks the run final: its verdicts are meant to stand. */
  readonly final: boolean;
}

/** Run id of a file: the same bytes under the same lot are the same run, wherever they are handed in. */
export function fileRunId(contentDigestHex: string, lot: string): RunId {
  return hash(['file', contentDigestHex, lot]);
}

/** Run id of a tester's stream. */
export function streamRunId(fab: string, equipmentId: string, streamId: string): RunId {
  return hash(['stream', fab, equipmentId, streamId]);
}

/** Wafer id for attempts without one: stable, made of the run id. `ordinal` counts the wafers of the run from 0. */
export function unnamedWaferId(run: RunId, ordinal: number): string {
  return `run-${run.slice(0, 12)}${ordinal === 0 ? '' : `-${ordinal}`}`;
}

/** Whether a wafer id is one that {@link unnamedWaferId} made: such as have no id of their own may be no wafers at all. */
export function isUnnamedWafer(waferId: string): boolean {
  return /^run-[0-9a-f]{12}(-[1-9]\d*)?$/.test(waferId);
}

/** Checks the text form of a run id. @throws WafersyncError `invalid` */
export function runId(text: string): RunId {
  if (!/^[0-9a-f]{32}$/.test(text)) {
    throw new WafersyncError('invalid', `run id ${JSON.stringify(text)} is not 32 hex digits`, {
      hint: 'Copy it from the output of `wafersync import`.',
    });
  }
  return text as RunId;
}

function hash(parts: readonly string[]): RunId {
  const sha = createHash('sha256').update('wafersync run 1\0');
  for (const part of parts) sha.update(`${Buffer.byteLength(part)}:`).update(part);
  return sha.digest('hex').slice(0, 32) as RunId;
}
