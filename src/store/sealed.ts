import { type Dot, formatDot, sameDot } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { isSound, type Update } from '../wafer/update.ts';
import type { Decoders } from './types.ts';

/** Bytes of an update as rows have them. */
export interface SealedRow {
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
  readonly digest: Uint8Array;
  /** Where the payload is a stub; else NULL. */
  readonly stubDigest: Uint8Array | null;
}

/** A row of the log whose bytes are no longer what they were sealed as. */
export class DamagedUpdate extends WafersyncError {
  readonly dot: Dot;

  constructor(dot: Dot) {
    super('damaged', `update ${formatDot(dot)} is damaged in this node's database`, {
      hint: 'It is fetched again from another fab; try again in a moment. If it comes again and again, check the disk.',
    });
    this.dot = dot;
  }
}

/** Update of a row, after checking that its bytes are those that were sealed, and under this dot. @throws DamagedUpdate */
export function openSealed(row: SealedRow, dot: Dot, decoders: Pick<Decoders, 'decodeHeader'>): Update {
  const { header, payload, digest, stubDigest } = row;
  const sealed = { headerBytes: header, payload, digest, ...(stubDigest ? { stubDigest } : {}) };
  if (!isSound(sealed)) throw new DamagedUpdate(dot);
  const update = { header: decoders.decodeHeader(header), ...sealed };
  if (!sameDot(update.header.dot, dot)) throw new DamagedUpdate(dot);
  return update;
}
