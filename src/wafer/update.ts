import { createHash } from 'node:crypto';
import type { Dot } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { ProgramDigest } from './program.ts';
import type { RunRef } from './run.ts';
import type { WaferKey } from './wafer-key.ts';

/** What the payload of an update is; `unknown` comes from a newer version and is held. */
export type UpdateKind = 'results' | 'edit' | 'retire' | 'run' | 'purge' | 'unknown';

/** Largest header and payload together, in bytes. Applies where an update is born, mesh-wide. */
export const MAX_UPDATE_BYTES = 2 * 1024 * 1024;

/** What an update says about itself. */
export interface UpdateHeader {
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  readonly kind: UpdateKind;
  /** The wafer; in a run record only the lot is set, in a purge nothing. */
  readonly wafer: WaferKey;
  /** Edits of the wafer that the origin knew, this one included; results do not raise it. */
  readonly version: number;
  /** The run, for kinds `results` and `run`. */
  readonly run: RunRef | null;
  /** Test program of the attempts, for kind `results`. */
  readonly program: ProgramDigest | null;
  /** For kind `results`: what the origin had applied, of every other origin that has updates of the wafer. Absent for none. */
  readonly seen?: TransportVector;
}

/** An update as sealed where it was born. The bytes are stored, sent and relayed as they are. */
export interface Update {
  readonly header: UpdateHeader;
  readonly headerBytes: Uint8Array;
  readonly payload: Uint8Array;
  /** {@link updateDigest} of the bytes as they were born. */
  readonly digest: Uint8Array;
  /** {@link stubDigestOf} it where its values were purged: its payload is a stub then. Absent for an update in full. */
  readonly stubDigest?: Uint8Array;
}

/** SHA-256 over the header's length (4 bytes, little-endian), the header and the payload. */
export function updateDigest(headerBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHash('sha256').update(lengthOf(headerBytes)).update(headerBytes).update(payload).digest();
}

/** SHA-256 over the digest of the update in full, the header's length (4 bytes, little-endian), the header and the stub. */
export function stubDigestOf(digest: Uint8Array, headerBytes: Uint8Array, stub: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(digest)
    .update(lengthOf(headerBytes))
    .update(headerBytes)
    .update(stub)
    .digest();
}

/** Whether the bytes of an update, or of a stub, are those that its digest says. */
export function isSound({ headerBytes, payload, digest, stubDigest }: Omit<Update, 'header'>): boolean {
  const [found, said] = stubDigest
    ? [stubDigestOf(digest, headerBytes, payload), stubDigest]
    : [updateDigest(headerBytes, payload), digest];
  return Buffer.compare(found, said) === 0;
}

function lengthOf(headerBytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, headerBytes.length, true);
  return length;
}

/** Size that counts against windows and bounds. */
export function updateBytes(update: Update): number {
  return update.headerBytes.length + update.payload.length + update.digest.length;
}
