import { timestampMs } from '../clocks/hlc.ts';
import type { Store } from '../store/store.ts';
import type { PeerClocks } from '../sync/peer-clocks.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { World } from '../world.ts';

/** The database of a node, as it is now. */
export function databaseState(store: Pick<Store, 'files'>): Message<'DatabaseState'> {
  const { file, bytes, walBytes, freeBytes } = store.files();
  return {
    file,
    bytes: fromNumber(bytes),
    wal_bytes: fromNumber(walBytes),
    ...(freeBytes === null ? {} : { free_bytes: fromNumber(freeBytes) }),
  };
}

/** The clock of a node, and the peer's that is farthest from it. */
export function clockState(
  store: Pick<Store, 'lastTimestamp'>,
  clocks: Pick<PeerClocks, 'farthest'>,
  world: Pick<World, 'nowMs'>,
): Message<'ClockState'> {
  const nowMs = world.nowMs();
  const farthest = clocks.farthest();
  return {
    now_ms: fromNumber(Math.floor(nowMs)),
    hybrid_ahead_ms: Math.max(0, timestampMs(store.lastTimestamp()) - nowMs),
    greatest_offset_ms: farthest?.offsetMs ?? 0,
    greatest_offset_fab_id: farthest?.peer ?? '',
    greatest_offset_uncertainty_ms: farthest?.uncertaintyMs ?? 0,
  };
}
