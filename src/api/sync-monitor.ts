import type { wafersync } from '../gen/wafersync.js';
import type { PolicyWatch } from '../replica/policy-watch.ts';
import type { StorageView } from '../replica/storage-watch.ts';
import type { WalView } from '../replica/wal-watch.ts';
import type { Store } from '../store/store.ts';
import type { Drain } from '../sync/drain.ts';
import type { Membership } from '../sync/membership.ts';
import type { PeerBook } from '../sync/peer-facts.ts';
import type { PeerLimits } from '../sync/peer-limits.ts';
import type { PeerPauses } from '../sync/peer-pauses.ts';
import type { RetentionView } from '../sync/retention.ts';
import type { SyncRunner } from '../sync/sync-runner.ts';
import type { MemberState } from '../wafer/document/members.ts';
import { fromNumber } from '../wire/long.ts';
import type { Message } from '../wire/message.ts';
import type { syncMonitor } from '../wire/services.ts';
import { toOriginIntervals } from '../wire/vectors.ts';
import type { World } from '../world.ts';
import { serverStream, unary } from './call.ts';
import { onChange } from './changes.ts';
import type { HandlersOf } from './handlers.ts';
import type { LotMethods } from './lot-handlers.ts';
import { clockState, databaseState } from './node-facts.ts';
import { listPeers } from './peer-list.ts';
import { toBlocks } from './retention-service.ts';
import type { Slots } from './slots.ts';
import { listHeld, toPeerLimit, toPeerPause } from './steering-messages.ts';

type NodeState = wafersync.v1.NodeState.$Properties;

/** What the service is made of. */
export interface SyncMonitorOptions {
  readonly store: Store;
  readonly sync: SyncRunner;
  readonly policies: Pick<PolicyWatch, 'versionOf'>;
  readonly storage: { view(): StorageView };
  readonly wal: { view(): WalView };
  readonly retention: { view(): RetentionView };
  readonly world: World;
  readonly membership: Pick<Membership, 'fabs' | 'members' | 'addressOf'>;
  readonly peers: Pick<PeerBook, 'all'>;
  readonly pauses: Pick<PeerPauses, 'of'>;
  readonly limits: Pick<PeerLimits, 'of' | 'saidBy'>;
  readonly drain: Pick<Drain, 'why'>;
  /** Version of the program. */
  readonly version: string;
  /** For subscriptions. */
  readonly slots: Slots;
  /** Tells of wafers and lots. */
  readonly lotHandlers: HandlersOf<LotMethods>;
}

/** Where a client does not say: least time between two answers of WatchNode, milliseconds. */
const DEFAULT_INTERVAL_MS = 100;

/** Longest time that it may say, milliseconds: timers go no further than some weeks. */
const MAX_INTERVAL_MS = 3_600_000;

/** Handlers of SyncMonitor. */
export function syncMonitorHandlers(options: SyncMonitorOptions): HandlersOf<typeof syncMonitor.methods> {
  const startedMs = options.world.steadyMs();
  const state = () => nodeState(options, options.world.steadyMs() - startedMs);
  return {
    GetNode: unary(() => ({ node: state() })),
    ListPeers: listPeers(options.peers),
    ListHeld: unary<Message<'ListHeldRequest'>, Message<'ListHeldResponse'>>((request) =>
      listHeld(options.store, request),
    ),
    WatchNode: serverStream((request: wafersync.v1.WatchNodeRequest.$Properties, { signal }) => {
      const wished = request.min_interval_ms || DEFAULT_INTERVAL_MS;
      const interval = Math.min(wished, MAX_INTERVAL_MS);
      return options.slots.during(async function* () {
        for await (const _ of onChange(options.sync.changes, options.world, interval, signal))
          yield { node: state() };
      });
    }),
    ...options.lotHandlers,
  };
}

function nodeState(options: SyncMonitorOptions, uptimeMs: number): NodeState {
  const { store, sync } = options;
  const stats = store.stats();
  const storage = options.storage.view();
  const wal = options.wal.view();
  return {
    fab_id: store.origin.fab,
    epoch: fromNumber(store.origin.epoch),
    version: options.version,
    uptime_ms: fromNumber(Math.round(uptimeMs)),
    updates: fromNumber(stats.updates),
    held_updates: fromNumber(stats.held),
    dropped_updates: fromNumber(store.holds.dropped),
    draining: options.drain.why?.line ?? '',
    attempts: fromNumber(stats.attempts),
    results: fromNumber(stats.results),
    wafers: fromNumber(stats.wafers),
    open_conflicts: fromNumber(store.conflicts.open),
    policy_version: fromNumber(store.documents.rules.version),
    fenced: sync.fenced?.line ?? '',
    damaged_updates: fromNumber(stats.damaged),
    forked_updates: fromNumber(store.forks.count),
    received: toOriginIntervals(store.vectors.received),
    peers: sync.peers().map((peer) => ({
      fab_id: peer.peer,
      address: options.membership.addressOf(peer.peer) ?? '',
      policy_version: fromNumber(options.policies.versionOf(peer.peer)),
      outbound_up: peer.outboundUp,
      inbound_up: peer.inboundUp,
      live_fabs: [...peer.liveFabs],
      behind_updates: fromNumber(peer.behind.size),
      rtt_ms: peer.rttMs,
      last_error: peer.lastError,
      pause: toPeerPause(peer.peer, options.pauses.of(peer.peer)),
      limit: toPeerLimit(peer.peer, options.limits.of(peer.peer)),
      max_push_bytes_per_s: fromNumber(options.limits.saidBy(peer.peer)),
    })),
    members: [...options.membership.members()],
    removed_fabs: inState(options, 'removed'),
    evicted_fabs: inState(options, 'evicted'),
    last_lag_ms: sync.lastLagMs,
    missing_updates: fromNumber(sync.missing().size),
    retention: retentionState(options),
    database: databaseState(store),
    clock: clockState(store, sync.clocks, options.world),
    renewal: renewalState(options),
    storage: {
      full: storage.full,
      full_for_ms: fromNumber(Math.round(storage.fullForMs)),
      reason: storage.reason,
      refused_writes: fromNumber(storage.refused),
      wal_stuck: wal.stuck,
      wal_stuck_for_ms: fromNumber(Math.round(wal.stuckForMs)),
      wal_stuck_reason: wal.reason,
    },
  };
}

function inState({ membership }: SyncMonitorOptions, wanted: MemberState): string[] {
  return membership.fabs().flatMap(({ fab, state }) => (state === wanted ? [fab] : []));
}

function renewalState({ store, sync }: SyncMonitorOptions): wafersync.v1.RenewalState.$Properties | null {
  const { renewed } = sync;
  if (!renewed) return null;
  const missing = sync.missing().filter(({ fab }) => fab === store.origin.fab);
  return {
    reason: renewed.reason,
    from_epoch: fromNumber(renewed.from.epoch),
    renewed_at_us: fromNumber(Math.round(renewed.atMs * 1000)),
    missing_own_updates: fromNumber(missing.size),
  };
}

function retentionState({ store, retention }: SyncMonitorOptions): wafersync.v1.RetentionState.$Properties {
  const { valuesDays, last } = retention.view();
  const { purges, updates } = store.purges.totals();
  return {
    values_days: valuesDays,
    purges: fromNumber(purges),
    purged_updates: fromNumber(updates),
    looked_at_us: fromNumber(Math.round((last?.atMs ?? 0) * 1000)),
    blocked_updates: fromNumber(last?.outlook.blocked ?? 0),
    blocks: toBlocks(last?.outlook.blocks ?? []),
    planned: last?.planned ?? false,
  };
}
