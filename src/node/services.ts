import { join } from 'node:path';
import { backupServiceHandlers, type SentBackups } from '../api/backup-service.ts';
import { conflictServiceHandlers } from '../api/conflict-service.ts';
import { dataSyncHandlers } from '../api/data-sync.ts';
import { loadDescriptors } from '../api/descriptors.ts';
import { addHealth, type Health } from '../api/health.ts';
import { lotAsker } from '../api/lot-asker.ts';
import { LOT_POLICIES, lotHandlers } from '../api/lot-handlers.ts';
import { addReflection } from '../api/reflection.ts';
import { RETENTION_POLICIES, retentionServiceHandlers } from '../api/retention-service.ts';
import { type RunServiceOptions, runServiceHandlers } from '../api/run-service.ts';
import type { createServer } from '../api/server.ts';
import type { Slots } from '../api/slots.ts';
import { syncControlHandlers } from '../api/sync-control.ts';
import { syncMonitorHandlers } from '../api/sync-monitor.ts';
import { testEquipmentHandlers } from '../api/test-equipment.ts';
import { VERIFY_POLICIES, verifyServiceHandlers } from '../api/verify-service.ts';
import { waferServiceHandlers } from '../api/wafer-service.ts';
import { checkAddress } from '../config/checks.ts';
import type { NodeConfig } from '../config/load.ts';
import { storeHistory } from '../ingest/stream/store-history.ts';
import { StreamOwners } from '../ingest/stream/stream-owners.ts';
import type { Store } from '../store/store.ts';
import type { Drain } from '../sync/drain.ts';
import { HeldControl } from '../sync/held-control.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { ProgramBuilder } from '../wafer/program-codec.ts';
import {
  backupService,
  conflictService,
  dataSync,
  retentionService,
  runService,
  syncControl,
  syncMonitor,
  testEquipment,
  verifyService,
  waferService,
} from '../wire/services.ts';
import type { World } from '../world.ts';
import { spoolFolder } from './database.ts';
import type { ReplicaParts, SyncParts } from './replication.ts';

/** What services answer from. */
export interface ServedParts {
  readonly config: NodeConfig;
  readonly store: Store;
  readonly world: World;
  readonly replicating: ReplicaParts;
  readonly syncing: SyncParts;
  readonly drain: Drain;
  readonly telemetry: Telemetry;
  readonly health: Health;
  /** Takes in a file. */
  readonly importFile: RunServiceOptions['importFile'];
  readonly slots: NodeSlots;
  readonly backups: SentBackups;
  /** Version of the program. */
  readonly version: string;
}

/** What a node takes on at once. */
export interface NodeSlots {
  /** Streams of testers and uploads. */
  readonly intake: Slots;
  readonly subscriptions: Slots;
  /** Reads of results. */
  readonly reads: Slots;
}

type Server = ReturnType<typeof createServer>;

/** Adds all services of a node to its server. */
export function addServices(server: Server, parts: ServedParts): void {
  addLanes(server, parts);
  addIntake(server, parts);
  addDocuments(server, parts);
  addOperations(server, parts);
  addHealth(server, parts.health);
  addReflection(server, loadDescriptors());
  for (const service of ['', ...server.services]) parts.health.set(service, { serving: true });
}

/** What peers speak. */
function addLanes(server: Server, { config, store, world, syncing, slots }: ServedParts): void {
  const { sync, membership, traffic, rates } = syncing;
  const lanes = { idleMs: 'unlimited', stallMs: 'unlimited', subscription: true } as const;
  const counted = { traffic, rates, self: config.fab, slots: slots.subscriptions };
  server.add(dataSync, dataSyncHandlers({ store, sync, world, membership, ...counted }), {
    SyncWaferData: lanes,
    PullWaferData: lanes,
    OfferWaferData: lanes,
  });
}

/** What testers and files come in by, and are read back by. */
function addIntake(server: Server, parts: ServedParts): void {
  const { config, store, world, replicating, syncing, telemetry, importFile, slots } = parts;
  const { replica } = replicating;
  const { sync, membership } = syncing;
  server.add(
    testEquipment,
    testEquipmentHandlers({
      ...{ store, world, slots, commits: replica.commits },
      streams: {
        fab: config.fab,
        world,
        intake: telemetry.intake(replica, 'stream'),
        resent: telemetry.resent,
        traced: telemetry.traced,
        history: storeHistory(store),
        owners: new StreamOwners(),
        newProgram: () => new ProgramBuilder(),
      },
    }),
    { WatchResults: { subscription: true } },
  );
  server.add(runService, runServiceHandlers({ store, sync, world, membership, slots, importFile }), {
    WatchRun: { subscription: true },
  });
}

/** What people say of wafers. */
function addDocuments(server: Server, { store, replicating, syncing }: ServedParts): void {
  const { replica } = replicating;
  const { sync, membership } = syncing;
  server.add(waferService, waferServiceHandlers({ store, sync, membership, replica }));
  server.add(conflictService, conflictServiceHandlers({ store, replica }));
}

/** What operators ask and say. */
function addOperations(server: Server, parts: ServedParts): void {
  const { config, store, world, replicating, syncing, drain, version } = parts;
  const { subscriptions } = parts.slots;
  const { replica, policies, storage, wal } = replicating;
  const { sync, membership, lots, marks, retention, fabs, peers, audit, pauses, limits, verifier } = syncing;
  const shared = { store, sync, world, membership };
  server.add(retentionService, retentionServiceHandlers({ store, retention }), RETENTION_POLICIES);
  const copyFile = join(spoolFolder(config), 'backup.db');
  server.add(
    backupService,
    backupServiceHandlers({ store, membership, world, version, copyFile, backups: parts.backups }),
  );
  server.add(
    syncControl,
    syncControlHandlers({
      ...{ ...shared, audit, pauses, limits, drain, fabs, checkAddress, slots: subscriptions },
      held: new HeldControl({ store, replica, audit }),
    }),
    { Drain: { subscription: true } },
  );
  const verifying = { self: config.fab, membership, verifier };
  server.add(verifyService, verifyServiceHandlers(verifying), VERIFY_POLICIES);
  server.add(
    syncMonitor,
    syncMonitorHandlers({
      ...{ ...shared, policies, storage, wal, retention, peers, pauses, limits, drain, version },
      slots: subscriptions,
      lotHandlers: lotHandlers({
        ...{ ...shared, lots, marks, commits: replica.commits, slots: subscriptions },
        ask: lotAsker(membership),
      }),
    }),
    {
      ...LOT_POLICIES,
      GetNode: { quiet: true },
      WatchNode: { subscription: true },
    },
  );
}
