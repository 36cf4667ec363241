import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_MESSAGE_BYTES } from './api/call-policy.ts';
import { conflictServiceHandlers } from './api/conflict-service.ts';
import { dataSyncHandlers } from './api/data-sync.ts';
import { loadDescriptors } from './api/descriptors.ts';
import { addHealth, Health } from './api/health.ts';
import { showWhatIsTaken } from './api/intake-health.ts';
import { lotAsker } from './api/lot-asker.ts';
import { LOT_POLICIES, lotHandlers } from './api/lot-handlers.ts';
import { addReflection } from './api/reflection.ts';
import { RETENTION_POLICIES, retentionServiceHandlers } from './api/retention-service.ts';
import { runServiceHandlers } from './api/run-service.ts';
import { createServer } from './api/server.ts';
import { Slots } from './api/slots.ts';
import { syncControlHandlers } from './api/sync-control.ts';
import { syncMonitorHandlers } from './api/sync-monitor.ts';
import { testEquipmentHandlers } from './api/test-equipment.ts';
import { waferServiceHandlers } from './api/wafer-service.ts';
import { type FabId, originKey } from './clocks/dot.ts';
import { HybridClock } from './clocks/hlc.ts';
import { checkAddress } from './config/checks.ts';
import type { NodeConfig } from './config/load.ts';
import { WafersyncError } from './errors.ts';
import { DropFolder } from './ingest/folder/drop-folder.ts';
import type { ImportFile } from './ingest/folder/take-file.ts';
import { importStdf } from './ingest/stdf/import.ts';
import { storeHistory } from './ingest/stream/store-history.ts';
import { StreamOwners } from './ingest/stream/stream-owners.ts';
import { Spool } from './ingest/upload/spool.ts';
import type { Log } from './log.ts';
import { DamageWatch } from './replica/damage-watch.ts';
import { type EventSource, logged } from './replica/event-source.ts';
import { HeldWatch } from './replica/held-watch.ts';
import { PolicyWatch } from './replica/policy-watch.ts';
import { Replica } from './replica/replica.ts';
import { Scrub } from './replica/scrub.ts';
import { StorageWatch } from './replica/storage-watch.ts';
import { Store } from './store/store.ts';
import { AppliedMarks } from './sync/applied-marks.ts';
import { Audit } from './sync/audit.ts';
import { countedTransport } from './sync/counted-lanes.ts';
import { Drain } from './sync/drain.ts';
import { FabControl } from './sync/fab-control.ts';
import { HeldControl } from './sync/held-control.ts';
import { LotBook } from './sync/lot-book.ts';
import { Membership, mustHaveApplied } from './sync/membership.ts';
import { PeerBook } from './sync/peer-facts.ts';
import { PeerLags } from './sync/peer-lags.ts';
import { PeerLimits } from './sync/peer-limits.ts';
import { PeerPauses } from './sync/peer-pauses.ts';
import { minuteOfDay, PeerRates } from './sync/peer-rates.ts';
import { PeerTraffic } from './sync/peer-traffic.ts';
import { Retention } from './sync/retention.ts';
import { type Carrier, SyncRunner } from './sync/sync-runner.ts';
import { grpcTransport } from './sync/transport/grpc-transport.ts';
import { pacedTransport } from './sync/transport/paced-transport.ts';
import type { ConfiguredFabs } from './wafer/document/members.ts';
import { ProgramBuilder } from './wafer/program-codec.ts';
import { decoders } from './wire/decoders.ts';
import {
  conflictService,
  dataSync,
  retentionService,
  runService,
  syncControl,
  syncMonitor,
  testEquipment,
  waferService,
} from './wire/services.ts';
import type { World } from './world.ts';

/** A node that runs. */
export interface WafersyncNode {
  readonly fab: FabId;
  /** Port that it listens on. */
  readonly port: number;
  /** Told when this node has committed, or has learnt what another has. */
  readonly changes: Pick<EventSource<void>, 'subscribe'>;
  /** Takes no more, lets open work end, and closes the database. */
  stop(): Promise<void>;
}

/** What surrounds a node. */
export interface Surroundings {
  readonly world: World;
  readonly log: Log;
  /** Version of the program. */
  readonly version: string;
}

/** Bytes that end the wait of a group commit. */
const GROUP_BYTES = 1024 * 1024;
/** How long open calls may take to end when the node stops, milliseconds. */
export const STOP_GRACE_MS = 3_000;

/** Path of a node's database. */
export function databaseFile({ dataDir }: NodeConfig): string {
  return join(dataDir, 'wafersync.db');
}

/** Opens the database of a node, making it where there is none. */
export function openStore(config: NodeConfig, world: World): Store {
  makeFolder(config.dataDir);
  return Store.open({
    file: databaseFile(config),
    fab: config.fab,
    world,
    decoders,
  });
}

/**
 * Composes and starts a node: database, replica, sync, intake, API. The only place that names concrete classes.
 * @throws WafersyncError where the folder, the database or the port cannot be had
 */
export async function startNode(
  config: NodeConfig,
  { world, log, version }: Surroundings,
): Promise<WafersyncNode> {
  const store = openStore(config, world);
  try {
    return await composeNode(config, store, { world, log, version });
  } catch (error) {
    store.close();
    throw error;
  }
}

async function composeNode(config: NodeConfig, store: Store, around: Surroundings): Promise<WafersyncNode> {
  const { world, log, version } = around;
  const replica = new Replica<Carrier>({
    store,
    clock: new HybridClock(() => world.nowMs(), store.lastTimestamp()),
    world,
    queue: {
      groupCommitMs: config.store.groupCommitMs,
      groupBytes: GROUP_BYTES,
      maxQueueBytes: config.store.maxQueueBytes,
    },
    maxClockDriftMs: config.sync.maxClockDriftMs,
  });
  const storage = new StorageWatch({ replica, world, log });
  const policies = new PolicyWatch({ replica, store, log });
  const damage = new DamageWatch({ replica, store, log });
  const scrub = new Scrub({ store, world, log, bytesPerSecond: config.store.scrubBytesPerS });
  const { maxClockDriftMs } = config.sync;
  const held = new HeldWatch({ replica, store, storage: storage.changes, world, log, maxClockDriftMs });
  const membership = new Membership({
    self: config.fab,
    configured: configuredFabs(config),
    store,
    commits: replica.commits,
    log,
  });
  // Before the runner, whose listeners ask for what a commit has changed.
  const lots = new LotBook({ store, commits: replica.commits });
  const traffic = new PeerTraffic(world);
  const minute = minuteOfDay(config.timeZone);
  const rates = new PeerRates({ world, minuteOfDay: minute, limits: store.limits.all() });
  const options = syncOptions(config, membership, store, rates);
  const transport = countedTransport(options.transport, traffic);
  const sync = new SyncRunner({ ...options, transport, replica, store, world, log });
  traffic.changes.subscribe(logged(log, 'lanes', () => sync.changes.emit()));
  const lags = new PeerLags({ self: config.fab, commits: replica.commits, clocks: sync.clocks, world, log });
  const marks = new AppliedMarks();
  marks.remembered(sync.reports().slice(1));
  const mark = () => marks.heard(sync.reports(), world.nowMs());
  mark();
  sync.changes.subscribe(logged(log, 'marks', mark));
  const retention = new Retention({
    ...{ store, replica, world, log },
    members: () => mustHaveApplied(membership, sync.reports(), store.vectors.received),
    reports: () => sync.reports(),
    suspected: () => sync.suspected(),
    clocks: () => sync.clocks.ahead(),
    maxClockDriftMs,
    valuesDays: config.retention.valuesDays,
  });
  const spool = new Spool(join(config.dataDir, 'spool'), config.intake.maxUploadBytes, world);
  const files = { timeZone: config.timeZone, intake: replica };
  const health = new Health();
  const server = createServer({
    world,
    log,
    keepaliveMs: config.sync.keepaliveMs,
    bounds: { deadlineMs: config.api.unaryDeadlineMs, idleMs: config.intake.maxStreamIdleMs },
  });
  const shared = { store, sync, world, membership };
  const audit = new Audit({ store, replica, log });
  const pauses = new PeerPauses({ ...shared, audit, log });
  const streams = new Slots(config.intake.maxOpenStreams, 'streams and uploads', 'intake.max_open_streams');
  const subscriptions = new Slots(config.api.maxSubscriptions, 'subscriptions', 'api.max_subscriptions');
  const reads = new Slots(config.api.maxReads, 'reads of results', 'api.max_reads');
  const limits = new PeerLimits({ ...shared, rates, audit });
  const drain = new Drain({ ...shared, replica, audit, door: streams });
  const lanes = { idleMs: 'unlimited', stallMs: 'unlimited', subscription: true } as const;
  const lanesOf = { traffic, rates, self: config.fab, slots: subscriptions };
  server.add(dataSync, dataSyncHandlers({ ...shared, ...lanesOf }), {
    SyncWaferData: lanes,
    PullWaferData: lanes,
    OfferWaferData: lanes,
  });
  server.add(
    testEquipment,
    testEquipmentHandlers({
      ...{ store, world, commits: replica.commits },
      streams: {
        fab: config.fab,
        world,
        intake: replica,
        history: storeHistory(store),
        owners: new StreamOwners(),
        newProgram: () => new ProgramBuilder(),
      },
      slots: { intake: streams, subscriptions, reads },
    }),
    { WatchResults: { subscription: true } },
  );
  server.add(
    runService,
    runServiceHandlers({
      ...shared,
      slots: { intake: streams, subscriptions, reads },
      importFile: ({ fileName, lot, final, chunks }, signal) =>
        spool.hold(fileName, chunks, (path) =>
          importStdf(path, { ...files, fileName, lot: lot ?? undefined, final, signal }),
        ),
    }),
    { WatchRun: { subscription: true } },
  );
  server.add(waferService, waferServiceHandlers({ ...shared, replica }));
  server.add(conflictService, conflictServiceHandlers({ store, replica }));
  server.add(retentionService, retentionServiceHandlers({ store, retention }), RETENTION_POLICIES);
  const fabs = new FabControl({ ...shared, replica });
  server.add(
    syncControl,
    syncControlHandlers({
      ...{ ...shared, audit, pauses, limits, drain, fabs, checkAddress, slots: subscriptions },
      held: new HeldControl({ store, replica, audit }),
    }),
    { Drain: { subscription: true } },
  );
  const peers = new PeerBook({
    ...{ ...shared, self: config.fab, traffic, lags, pauses },
    saidAtMs: (fab) => fabs.facts(fab).sinceMs,
    giveWay: () => new Promise((resolve) => setImmediate(resolve)),
  });
  server.add(
    syncMonitor,
    syncMonitorHandlers({
      ...{ ...shared, policies, storage, retention, peers, pauses, limits, drain, version },
      lotHandlers: lotHandlers({
        ...{ ...shared, lots, marks, commits: replica.commits, slots: subscriptions },
        ask: lotAsker(membership),
      }),
      slots: subscriptions,
    }),
    {
      ...LOT_POLICIES,
      GetNode: { quiet: true },
      WatchNode: { subscription: true },
    },
  );
  addHealth(server, health);
  addReflection(server, loadDescriptors());
  for (const service of ['', ...server.services]) health.set(service, { serving: true });
  const showState = () => showWhatIsTaken(health, storage.view(), sync.fenced, drain.why);
  storage.changes.subscribe((full) => {
    showState();
    sync.storage(full);
  });
  sync.fences.subscribe(showState);
  drain.changes.subscribe(showState);
  const folder = await openFolder(config, around, (path, fileName, signal) =>
    drain.admit(() => importStdf(path, { ...files, fileName, signal })),
  );
  if (store.renewal) {
    const { reason, from } = store.renewal;
    log.warn('epoch.renewed', { reason, from: originKey(from), to: originKey(store.origin) });
  }
  const stopAll = async () => {
    await folder?.stop();
    held.stop();
    damage.stop();
    scrub.stop();
    retention.stop();
    pauses.stop();
    await stop(around, server, sync, storage, replica, store);
  };
  const port = await server.bind(config.listen.host, config.listen.port);
  try {
    held.start();
    scrub.start();
    retention.start();
    seedRules(config, store, replica, log);
    sync.start();
    pauses.start();
    followMembers(membership, sync);
    folder?.start();
    log.info('node.started', { epoch: originKey(store.origin), port, version, ...store.stats() });
  } catch (thrown) {
    // Else the port would stay taken, and the process with it.
    await stopAll();
    throw thrown;
  }
  return { fab: config.fab, port, changes: sync.changes, stop: stopAll };
}

function configuredFabs({ mesh: { members, peers } }: NodeConfig): ConfiguredFabs {
  return { members, addresses: new Map(peers.map(({ fab, address }) => [fab, address])) };
}

/** Who is dialled goes by who belongs to the mesh, as that changes. */
function followMembers(membership: Membership, sync: SyncRunner): void {
  membership.changes.subscribe((moved) => sync.dialOnly(membership.dialled(), moved));
  sync.dialOnly(membership.dialled());
}

/** Gives an empty mesh its first rules. A node whose disk is full goes on without: rules come from others, or at the next start. */
function seedRules({ conflicts }: NodeConfig, store: Store, replica: Replica<Carrier>, log: Log): void {
  if (conflicts.policies.length === 0 || store.documents.rules.version > 0) return;
  const author = store.origin.fab;
  const seeded = replica.seed((editor) => editor.seed(conflicts.policies, author));
  seeded.catch((error: unknown) => log.warn('policy.not_seeded', {}, error));
}

async function stop(
  { log }: Surroundings,
  server: ReturnType<typeof createServer>,
  sync: SyncRunner,
  storage: StorageWatch,
  replica: Replica<Carrier>,
  store: Store,
): Promise<void> {
  log.info('node.stopping');
  await server.close(STOP_GRACE_MS);
  await sync.stop();
  storage.stop();
  replica.close();
  store.close();
  log.info('node.stopped');
}

async function openFolder(
  { intake }: NodeConfig,
  { world, log }: Surroundings,
  importFile: ImportFile,
): Promise<DropFolder | null> {
  if (intake.folder === '') return null;
  return DropFolder.open({
    folder: intake.folder,
    settleMs: intake.folderSettleMs,
    rescanMs: intake.folderRescanMs,
    parallel: intake.folderParallel,
    maxBytes: intake.maxUploadBytes,
    ...{ importFile, world, log },
  });
}

function syncOptions(config: NodeConfig, membership: Membership, store: Store, rates: PeerRates) {
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
    transport: pacedTransport(
      grpcTransport({
        self: () => store.origin,
        addressOf: (peer) => membership.addressOf(peer),
        keepaliveMs: sync.keepaliveMs,
        keepaliveTimeoutMs: Math.ceil(sync.keepaliveMs / 2),
        catchUpWindowBytes: sync.catchUpWindowBytes,
        maxMessageBytes: MAX_MESSAGE_BYTES,
      }),
      rates,
    ),
  };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new WafersyncError('precondition', `the folder ${folder} cannot be made: ${code ?? message}`, {
      hint: 'Give it an owner that may write there, or set data_dir to another folder.',
      cause: error,
    });
  }
}
