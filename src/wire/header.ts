import { epoch, fabId, sequence } from '../clocks/dot.ts';
import { timestamp } from '../clocks/hlc.ts';
import { WafersyncError } from '../errors.ts';
import { wafersync } from '../gen/wafersync.js';
import type { ProgramDigest } from '../wafer/program.ts';
import type { RunId } from '../wafer/run.ts';
import {
  isSound,
  MAX_UPDATE_BYTES,
  type Update,
  type UpdateHeader,
  type UpdateKind,
  updateBytes,
  updateDigest,
} from '../wafer/update.ts';
import { fromNumber, toNumber } from './long.ts';
import { fromOriginIntervals, toOriginIntervals } from './vectors.ts';

const { UpdateHeader: Message, UpdateKind: Kind } = wafersync.v1;

const KINDS: readonly (readonly [Exclude<UpdateKind, 'unknown'>, wafersync.v1.UpdateKind])[] = [
  ['results', Kind.UPDATE_KIND_RESULTS],
  ['edit', Kind.UPDATE_KIND_EDIT],
  ['retire', Kind.UPDATE_KIND_RETIRE],
  ['run', Kind.UPDATE_KIND_RUN],
  ['purge', Kind.UPDATE_KIND_PURGE],
];

/** What an update is, as a message says it; not said where this version does not know. */
export function kindOf(kind: UpdateKind): wafersync.v1.UpdateKind {
  return KINDS.find(([name]) => name === kind)?.[1] ?? Kind.UPDATE_KIND_UNSPECIFIED;
}

/** Serialized UpdateHeader of docs/PROTOCOL.md. @throws WafersyncError `invalid` for kind `unknown` */
export function encodeHeader(header: UpdateHeader): Uint8Array {
  const kind = KINDS.find(([name]) => name === header.kind)?.[1];
  if (kind === undefined)
    throw new WafersyncError('invalid', 'an update of unknown kind cannot be born here');
  return Message.encode({
    fab_id: header.dot.fab,
    epoch: fromNumber(header.dot.epoch),
    sequence: fromNumber(header.dot.sequence),
    timestamp: fromNumber(header.timestamp),
    kind,
    lot: header.wafer.lot,
    wafer_id: header.wafer.waferId,
    insertion: header.wafer.insertion,
    version: fromNumber(header.version),
    run_id: header.run ? Buffer.from(header.run.id, 'hex') : null,
    run_started_at_us: header.run ? fromNumber(header.run.startedAtUs) : null,
    program_digest: header.program ? Buffer.from(header.program, 'hex') : null,
    ...(header.seen ? { seen: toOriginIntervals(header.seen) } : {}),
  }).finish();
}

/** Header of serialized bytes. @throws WafersyncError `damaged` where they are not one */
export function decodeHeader(bytes: Uint8Array): UpdateHeader {
  try {
    return toHeader(Message.decode(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WafersyncError('damaged', `an update's header cannot be read: ${reason}`, { cause: error });
  }
}

function toHeader(message: wafersync.v1.UpdateHeader): UpdateHeader {
  const runBytes = message.run_id;
  if (runBytes.length !== 0 && runBytes.length !== 16)
    throw new WafersyncError('damaged', 'run_id is not 16 bytes');
  const digest = message.program_digest;
  if (digest.length !== 0 && digest.length !== 32)
    throw new WafersyncError('damaged', 'program_digest is not 32 bytes');
  return {
    dot: {
      fab: fabId(message.fab_id),
      epoch: epoch(toNumber(message.epoch)),
      sequence: sequence(toNumber(message.sequence)),
    },
    timestamp: timestamp(toNumber(message.timestamp)),
    kind: KINDS.find(([, kind]) => kind === message.kind)?.[0] ?? 'unknown',
    wafer: { lot: message.lot, waferId: message.wafer_id, insertion: message.insertion },
    version: toNumber(message.version),
    run:
      runBytes.length === 0
        ? null
        : { id: hex(runBytes) as RunId, startedAtUs: toNumber(message.run_started_at_us) },
    program: digest.length === 0 ? null : (hex(digest) as ProgramDigest),
    ...(message.seen.length > 0 ? { seen: fromOriginIntervals(message.seen) } : {}),
  };
}

/** Seals header and payload into an update. @throws WafersyncError `invalid` where it is over the mesh-wide bound */
export function sealUpdate(header: UpdateHeader, payload: Uint8Array): Update {
  const headerBytes = encodeHeader(header);
  const update = { header, headerBytes, payload, digest: updateDigest(headerBytes, payload) };
  if (updateBytes(update) > MAX_UPDATE_BYTES) {
    throw new WafersyncError(
      'invalid',
      `an update of ${updateBytes(update)} bytes is over the bound of ${MAX_UPDATE_BYTES}`,
      {
        hint: 'Send less at once: fewer results, dies or fields.',
      },
    );
  }
  return update;
}

/**
 * Update of bytes that came from elsewhere, after checking them.
 * @param stubDigest where the payload is a stub
 * @throws WafersyncError `damaged` where the digest is wrong or the header cannot be read, `invalid` over the size bound
 */
export function openUpdate(
  headerBytes: Uint8Array,
  payload: Uint8Array,
  digest: Uint8Array,
  stubDigest?: Uint8Array,
): Update {
  const size = headerBytes.length + payload.length + digest.length;
  if (size > MAX_UPDATE_BYTES) {
    throw new WafersyncError(
      'invalid',
      `an update of ${size} bytes is over the bound of ${MAX_UPDATE_BYTES}`,
    );
  }
  const sealed = { headerBytes, payload, digest, ...(stubDigest ? { stubDigest } : {}) };
  if (digest.length !== 32 || !isSound(sealed)) {
    throw new WafersyncError('damaged', 'the digest of an update does not match its bytes');
  }
  return { header: decodeHeader(headerBytes), ...sealed };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
