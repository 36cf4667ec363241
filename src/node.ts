import { SentBackups } from './api/backup-service.ts';
import { Health } from './api/health.ts';
import { showWhatIsTaken } from './api/intake-health.ts';
import { createServer } from './api/server.ts';
import { Slots } from './api/slots.ts';
import { type FabId, originKey } from './clocks/dot.ts';
import type { NodeConfig } from './config/load.ts';
import { DropFolder } from './ingest/folder/drop-folder.ts';
import type { ImportFile } from './ingest/folder/take-file.ts';
import { importStdf } from './ingest/stdf/import.ts';
import { Spool } from './ingest/upload/spool.ts';
import type { Log } from './log.ts';
import { databaseFile, openStore, spoolFolder } from './node/database.ts';
import { type ReplicaParts, replicaParts, type SyncParts, syncParts } from './node/replication.ts';
import { addServices, type NodeSlots } from './node/services.ts';
import type { EventSource } from './replica/event-source.ts';
import type { Store } from './store/store.ts';
import { Drain } from './sync/drain.ts';
import { Telemetry } from './telemetry/telemetry.ts';
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

/** How long open calls may take to end when the node stops, milliseconds. */
export const STOP_GRACE_MS = 3_000;

/**
 * Composes and starts a node: database, replica, sync, intake, API. With src/node/ the only place that names concrete
 * classes.
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

/** What a node is composed of, before it is served. */
interface Composed extends Surroundings {
  readonly config: NodeConfig;
  readonly store: Store;
  readonly replicating: ReplicaParts;
  readonly syncing: SyncParts;
  readonly slots: NodeSlots;
  readonly drain: Drain;
  readonly backups: SentBackups;
}

async function composeNode(config: NodeConfig, store: Store, around: Surroundings): Promise<WafersyncNode> {
  const { world, log, version } = around;
  const replicating = replicaParts(config, { store, world, log });
  const syncing = syncParts(config, { store, world, log }, replicating);
  const slots = slotsOf(config);
  const drain = new Drain({ ...syncing, store, world, replica: replicating.replica, door: slots.intake });
  const backups = new SentBackups();
  const composed: Composed = { ...around, config, store, replicating, syncing, slots, drain, backups };
  const telemetry = await openTelemetry(composed, () => server.openCalls);
  const server = createServer({
    world,
    log,
    ended: telemetry.ended,
    keepaliveMs: config.sync.keepaliveMs,
    bounds: { deadlineMs: config.api.unaryDeadlineMs, idleMs: config.intake.maxStreamIdleMs },
  });
  const health = new Health();
  const files = { timeZone: config.timeZone, intake: telemetry.intake(replicating.replica, 'file') };
  const spool = new Spool(spoolFolder(config), config.intake.maxUploadBytes, world);
  addServices(server, {
    ...{ ...composed, telemetry, health },
    importFile: ({ fileName, lot, final, chunks }, signal) =>
      telemetry.file(
        spool.hold(fileName, chunks, (path) =>
          importStdf(path, { ...files, fileName, lot: lot ?? undefined, final, signal }),
        ),
      ),
  });
  showHealth(health, composed);
  const folder = await openFolder(config, around, (path, fileName, signal) =>
    drain.admit(() => telemetry.file(importStdf(path, { ...files, fileName, signal }))),
  );
  if (store.renewal) {
    const { reason, from } = store.renewal;
    log.warn('epoch.renewed', { reason, from: originKey(from), to: originKey(store.origin) });
  }
  const stopAll = async () => {
    log.info('node.stopping');
    await folder?.stop();
    stopWatches(composed);
    await syncing.verifier.stop();
    await server.close(STOP_GRACE_MS);
    await syncing.sync.stop();
    replicating.storage.stop();
    replicating.replica.close();
    await telemetry.stop();
    store.close();
    log.info('node.stopped');
  };
  const port = await server.bind(config.listen.host, config.listen.port);
  try {
    await telemetry.start();
    startParts(composed);
    folder?.start();
    log.info('node.started', { epoch: originKey(store.origin), port, version, ...store.stats() });
  } catch (thrown) {
    // Else the port would stay taken, and the process with it.
    await stopAll();
    throw thrown;
  }
  return { fab: config.fab, port, changes: syncing.sync.changes, stop: stopAll };
}

function slotsOf({ intake, api }: NodeConfig): NodeSlots {
  return {
    intake: new Slots(intake.maxOpenStreams, 'streams and uploads', 'intake.max_open_streams'),
    subscriptions: new Slots(api.maxSubscriptions, 'subscriptions', 'api.max_subscriptions'),
    reads: new Slots(api.maxReads, 'reads of results', 'api.max_reads'),
  };
}

function openTelemetry(composed: Composed, openCalls: () => number): Promise<Telemetry> {
  const { config, store, world, log, version, replicating, syncing, slots, drain, backups } = composed;
  const { replica, storage, wal, scrub } = replicating;
  const { sync, retention, traffic, membership, verifier, pauses, limits } = syncing;
  return Telemetry.open({
    ...{
      store,
      replica,
      sync,
      storage,
      wal,
      scrub,
      retention,
      verifier,
      traffic,
      pauses,
      limits,
      drain,
      backups,
      world,
      log,
      version,
      openCalls,
    },
    ...{ metrics: config.metrics, tracing: config.tracing },
    database: databaseFile(config),
    members: () => membership.members().length,
    open: {
      streams: () => slots.intake.taken,
      subscriptions: () => slots.subscriptions.taken,
      reads: () => slots.reads.taken,
    },
  });
}

/** Health follows whether the node takes anything in. */
function showHealth(health: Health, { replicating, syncing: { sync }, drain }: Composed): void {
  const { storage } = replicating;
  const showState = () => showWhatIsTaken(health, storage.view(), sync.fenced, drain.why);
  storage.changes.subscribe((full) => {
    showState();
    sync.storage(full);
  });
  sync.fences.subscribe(showState);
  drain.changes.subscribe(showState);
}

function startParts(composed: Composed): void {
  const { sync, retention, verifier, membership, pauses } = composed.syncing;
  composed.replicating.held.start();
  composed.replicating.scrub.start();
  composed.replicating.wal.start();
  retention.start();
  verifier.start();
  seedRules(composed);
  sync.start();
  pauses.start();
  // Who is dialled goes by who belongs to the mesh, as that changes.
  membership.changes.subscribe((moved) => sync.dialOnly(membership.dialled(), moved));
  sync.dialOnly(membership.dialled());
}

function stopWatches({ replicating, syncing }: Composed): void {
  replicating.held.stop();
  replicating.damage.stop();
  replicating.scrub.stop();
  replicating.wal.stop();
  syncing.retention.stop();
  syncing.pauses.stop();
}

/** Gives an empty mesh its first rules. A node whose disk is full goes on without: rules come from others, or at the next start. */
function seedRules({ config: { conflicts }, store, replicating, log }: Composed): void {
  if (conflicts.policies.length === 0 || store.documents.rules.version > 0) return;
  const author = store.origin.fab;
  const seeded = replicating.replica.seed((editor) => editor.seed(conflicts.policies, author));
  seeded.catch((error: unknown) => log.warn('policy.not_seeded', {}, error));
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
