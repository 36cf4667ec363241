import { type Epoch, formatEpoch } from '../clocks/dot.ts';
import { toNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';

/** A transport vector with the keys of the proto, epochs as they are printed everywhere. */
export function vectorJson(vector: readonly Message<'OriginIntervals'>[] | null | undefined) {
  return (vector ?? []).map(({ fab_id, epoch, intervals }) => ({
    fab_id: fab_id ?? '',
    epoch: epochJson(epoch),
    intervals: (intervals ?? []).map((value) => toNumber(value)),
  }));
}

/** An epoch as it is printed everywhere. */
export function epochJson(epoch: Message<'OriginIntervals'>['epoch']): string {
  return formatEpoch(toNumber(epoch) as Epoch);
}
