import type { Commit } from '../replica/commit.ts';
import type { EventSource } from '../replica/event-source.ts';
import type { LotBook } from '../sync/lot-book.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import { Turns } from '../sync/turns.ts';
import { waferFacts } from '../sync/wafer-facts.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncMonitor } from '../wire/services.ts';
import { toOriginIntervals } from '../wire/vectors.ts';
import type { World } from '../world.ts';
import { serverStream, unary } from './call.ts';
import type { HandlersOf } from './handlers.ts';
import { listWafers } from './list-wafers.ts';
import type { AskLot } from './lot-asker.ts';
import { givenLot, heldOf, knownLot, lotStatus, withWafers } from './lot-status.ts';
import { waitForLot } from './lot-wait.ts';
import type { Slots } from './slots.ts';
import { lookUpWafer } from './wafer-lookup.ts';
import { meshNow, type StatusSources, waferStatus } from './wafer-status.ts';
import { watchSync } from './watch-sync.ts';

/** What is needed to tell of wafers and lots. */
export interface LotHandlersOptions extends StatusSources {
  readonly sync: Pick<SyncRunner, 'reports' | 'changes' | 'peers'>;
  readonly lots: LotBook;
  readonly ask: AskLot;
  readonly commits: Pick<EventSource<Commit<unknown>>, 'subscribe'>;
  readonly world: World;
  /** For subscriptions. */
  readonly slots: Slots;
}

/** Methods of SyncMonitor that tell of wafers and lots. */
export type LotMethods = Pick<
  typeof syncMonitor.methods,
  'GetWaferStatus' | 'ListWafers' | 'GetLotStatus' | 'WatchSyncStatus' | 'GetLotDigest' | 'WaitForLot'
>;

/** Subscriptions among them; nodes ask each other for digests while somebody waits. */
export const LOT_POLICIES = {
  WatchSyncStatus: { subscription: true },
  WaitForLot: { subscription: true },
  GetLotDigest: { quiet: true },
} as const;

/** Handlers of SyncMonitor about wafers and lots. */
export function lotHandlers(options: LotHandlersOptions): HandlersOf<LotMethods> {
  const { store, lots, slots } = options;
  return {
    GetWaferStatus: unary<Message<'GetWaferStatusRequest'>, Message<'GetWaferStatusResponse'>>((request) => {
      const facts = waferFacts(store, lookUpWafer(store, request));
      return { wafer: waferStatus(facts, meshNow(options)).message };
    }),
    ListWafers: unary<Message<'ListWafersRequest'>, Message<'ListWafersResponse'>>((request, { signal }) =>
      listWafers(options, request, signal),
    ),
    GetLotStatus: unary<Message<'GetLotStatusRequest'>, Message<'GetLotStatusResponse'>>(
      async ({ lot }, { signal }) => {
        const turns = new Turns(options.world, 0, 'notify');
        const facts = await knownLot({ store, lots }, givenLot(lot), signal, turns);
        const mesh = meshNow(options);
        const telling = withWafers(lotStatus(facts, mesh, store), facts, mesh);
        return { status: await turns.run(telling, signal) };
      },
    ),
    WatchSyncStatus: serverStream<Message<'WatchSyncStatusRequest'>, Message<'WatchSyncStatusResponse'>>(
      (request, { signal }) => slots.during(() => watchSync(options, request, signal)),
    ),
    GetLotDigest: unary<Message<'GetLotDigestRequest'>, Message<'GetLotDigestResponse'>>(
      async ({ lot }, { signal }) => {
        // A lot that is not known is one of no updates: whoever compares is answered alike.
        const content = await lots.content(givenLot(lot), signal);
        return {
          fab_id: store.origin.fab,
          epoch: fromNumber(store.origin.epoch),
          digest: content.digest,
          updates: fromNumber(content.applied.size),
          vector: toOriginIntervals(content.applied),
          held_updates: fromNumber(heldOf(content)),
        };
      },
    ),
    WaitForLot: serverStream<Message<'WaitForLotRequest'>, Message<'WaitForLotResponse'>>(
      (request, { signal }) => slots.during(() => waitForLot(options, request, signal)),
      'large',
    ),
  };
}
