import { MAX_MESSAGE_BYTES } from '../api/call-policy.ts';
import type { FabId } from '../clocks/dot.ts';
import { HybridClock } from '../clocks/hlc.ts';
import type { NodeConfig } from '../config/load.ts';
import type { Log } from '../log.ts';
import { DamageWatch } from '../replica/damage-watch.ts';
import { logged } from '../replica/event-source.ts';
import { HeldWatch } from '../replica/held-watch.ts';
import { PolicyWatch } from '../replica/policy-watch.ts';
import { Replica } from '../replica/replica.ts';
import { Scrub } from '../replica/scrub.ts';
import { StorageWatch } from '../replica/storage-watch.ts';
import { WalWatch } from '../replica/wal-watch.ts';
import type { Store } from '../store/store.ts';
import { AppliedMarks } from '../sync/applied-marks.ts';
import { Audit } from '../sync/audit.ts';
import { countedTransport } from '../sync/counted-lanes.ts';
import { FabControl } from '../sync/fab-control.ts';
import { LotBook } from '../sync/lot-book.ts';
import { Membership, mustHaveApplied } from '../sync/membership.ts';
import { PeerBook } from '../sync/peer-facts.ts';
import { PeerLags } from '../sync/peer-lags.ts';
import { PeerLimits } from '../sync/peer-limits.ts';
import { PeerPauses } from '../sync/peer-pauses.ts';
import { minuteOfDay, PeerRates } from '../sync/peer-rates.ts';
import { PeerTraffic } from '../sync/peer-traffic.ts';
import { Retention } from '../sync/retention.ts';
import { type Carrier, SyncRunner } from '../sync/sync-runner.ts';
import { digestDialer } from '../sync/transport/digest-dialer.ts';
import { grpcTransport } from '../sync/transport/grpc-transport.ts';
import { pacedTransport } from '../sync/transport/paced-transport.ts';
import { Verifier } from '../sync/verify/verifier.ts';
import type { ConfiguredFabs } from '../wafer/document/members.ts';
import type { World } from '../world.ts';

/** What surrounds the parts of a node. */
export interface PartsAround {
  readonly store: Store;
  readonly world: World;
  readonly log: Log;
}

/** What keeps a database in step with itself: the write path, and what watches over it. */
export type ReplicaParts = ReturnType<typeof replicaParts>;

/** What keeps a node in step with the mesh. */
export type SyncParts = ReturnType<typeof syncParts>;

/** Bytes that end the wait of a group commit. */
const GROUP_BYTES = 1024 * 1024;

/** Composes the write path of a node and what watches over its database. */
export function replicaParts(config: NodeConfig, { store, world, log }: PartsAround) {
  const { maxClockDriftMs } = config.sync;
  const replica = new Replica<Carrier>({
    store,
    clock: new HybridClock(() => world.nowMs(), store.lastTimestamp()),
    world,
    queue: {
      groupCommitMs: config.store.groupCommitMs,
      groupBytes: GROUP_BYTES,
      maxQueueBytes: config.store.maxQueueBytes,
    },
    maxClockDriftMs,
  });
  const storage = new StorageWatch({ replica, world, log });
  return {
    replica,
    storage,
    wal: new WalWatch({ store, world, log }),
    policies: new PolicyWatch({ replica, store, log }),
    damage: new DamageWatch({ replica, store, log }),
    scrub: new Scrub({ store, world, log, bytesPerSecond: config.store.scrubBytesPerS }),
    held: new HeldWatch({ replica, store, storage: storage.changes, world, log, maxClockDriftMs }),
  };
}

/** Composes what dials peers and answers them, and what is known of them. */
export function syncParts(config: NodeConfig, { store, world, log }: PartsAround, { replica }: ReplicaParts) {
  const membership = new Membership({
    self: config.fab,
    configured: configuredFabs(config),
    store,
    commits: replica.commits,
    log,
  });
  // Before the runner, whose listeners ask for what a commit has changed.
  const lots = new LotBook({ store, commits: replica.commits, world });
  const traffic = new PeerTraffic(world);
  const minute = minuteOfDay(config.timeZone);
  const rates = new PeerRates({ world, minuteOfDay: minute, limits: store.limits.all() });
  const sync = new SyncRunner({
    ...syncOptions(config, store, { membership, traffic, rates, world }),
    ...{ replica, store, world, log },
  });
  traffic.changes.subscribe(logged(log, 'lanes', () => sync.changes.emit()));
  const lags = new PeerLags({ self: config.fab, commits: replica.commits, clocks: sync.clocks, world, log });
  const retention = new Retention({
    ...{ store, replica, world, log },
    members: () => mustHaveApplied(membership, sync.reports(), store.vectors.received),
    reports: () => sync.reports(),
    suspected: () => sync.suspected(),
    clocks: () => sync.clocks.ahead(),
    maxClockDriftMs: config.sync.maxClockDriftMs,
    valuesDays: config.retention.valuesDays,
  });
  const known = { store, sync, world, membership };
  const audit = new Audit({ store, replica, log });
  const pauses = new PeerPauses({ ...known, audit, log });
  const fabs = new FabControl({ ...known, replica, pauses });
  const peers = new PeerBook({
    ...{ ...known, self: config.fab, traffic, lags, pauses },
    saidAtMs: (fab) => fabs.facts(fab).sinceMs,
    giveWay: () => new Promise((resolve) => setImmediate(resolve)),
  });
  const verifier = new Verifier({
    ...{ store, replica, world, log, self: config.fab },
    members: () => membership.members(),
    canDial: (fab) => membership.addressOf(fab) !== null,
    dial: digestDialer(dialOptions(config, membership, store, world)),
    reports: () => sync.reports(),
    intervalH: config.sync.verifyIntervalH,
  });
  return {
    ...{ membership, lots, traffic, rates, sync, lags, retention, fabs, peers, audit, pauses, verifier },
    limits: new PeerLimits({ ...known, rates, audit, timeZone: config.timeZone, minuteOfDay: minute }),
    marks: followed(sync, world, log),
  };
}

/** When each fab was first known to have applied what, from now on. */
function followed(sync: SyncRunner, world: World, log: Log): AppliedMarks {
  const marks = new AppliedMarks();
  marks.remembered(sync.reports().slice(1));
  const mark = () => marks.heard(sync.reports(), world.nowMs());
  mark();
  sync.changes.subscribe(logged(log, 'marks', mark));
  return marks;
}

function configuredFabs({ mesh: { members, peers } }: NodeConfig): ConfiguredFabs {
  return { members, addresses: new Map(peers.map(({ fab, address }) => [fab, address])) };
}

/** What lanes are dialled, counted and paced by. */
interface Dialling {
  readonly membership: Membership;
  readonly traffic: PeerTraffic;
  readonly rates: PeerRates;
  readonly world: World;
}

function syncOptions(config: NodeConfig, store: Store, { membership, traffic, rates, world }: Dialling) {
  const { sync } = config;
  return {
    peers: membership.dialled(),
    paused: store.pauses.all(),
    mayPush: (peer: FabId, bytes: number) => rates.mayPush(peer, bytes),
    window: { updates: sync.windowUpdates, bytes: sync.windowBytes },
    catchUp: {
      chunkBytes: sync.catchUpChunkBytes,
      chunkUpdates: 1024,
      requestsPerLane: 2,
      pendingBytes: config.store.maxQueueBytes,
    },
    reconnect: { minMs: sync.reconnectMinMs, maxMs: sync.reconnectMaxMs },
    heartbeatMs: sync.heartbeatMs,
    transport: countedTransport(
      pacedTransport(grpcTransport(dialOptions(config, membership, store, world)), rates),
      traffic,
    ),
  };
}

/** How peers are dialled. */
function dialOptions({ sync }: NodeConfig, membership: Membership, store: Store, world: World) {
  return {
    world,
    self: () => store.origin,
    addressOf: (peer: FabId) => membership.addressOf(peer),
    keepaliveMs: sync.keepaliveMs,
    keepaliveTimeoutMs: Math.ceil(sync.keepaliveMs / 2),
    catchUpWindowBytes: sync.catchUpWindowBytes,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  };
}
