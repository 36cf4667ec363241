import { epoch, type FabId, fabId, type Origin } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { wafersync } from '../gen/wafersync.js';
import { fromNumber, toNumber } from './long.ts';
import type { Message } from './message.ts';
import { fromOriginIntervals, toOriginIntervals } from './vectors.ts';

const { BackupManifest } = wafersync.v1;

/** What a backup is. */
export interface Manifest {
  /** Fab and epoch of the database. */
  readonly origin: Origin;
  /** Of the program that made it. */
  readonly version: string;
  readonly schemaVersion: number;
  /** When it was whole, ms since 1970-01-01 UTC. */
  readonly madeAtMs: number;
  /** Bytes of the database in it. */
  readonly databaseBytes: number;
  readonly received: TransportVector;
  /** Results that it keeps. */
  readonly results: number;
  /** Other fabs that were known, and host:port of each; null where that was not known. */
  readonly peers: ReadonlyMap<FabId, string | null>;
}

/** Message of a manifest. */
export function toManifest(manifest: Manifest): Message<'BackupManifest'> {
  const { origin, received, peers } = manifest;
  return {
    fab_id: origin.fab,
    epoch: fromNumber(origin.epoch),
    version: manifest.version,
    schema_version: manifest.schemaVersion,
    made_at_us: fromNumber(Math.round(manifest.madeAtMs * 1000)),
    database_bytes: fromNumber(manifest.databaseBytes),
    updates: fromNumber(received.size),
    results: fromNumber(manifest.results),
    received: toOriginIntervals(received),
    peers: [...peers].map(([fab, address]) => ({ fab_id: fab, address: address ?? '' })),
  };
}

/** Manifest of a message. @throws WafersyncError `invalid` */
export function fromManifest(message: Message<'BackupManifest'>): Manifest {
  return {
    origin: { fab: fabId(message.fab_id ?? ''), epoch: epoch(toNumber(message.epoch)) },
    version: message.version ?? '',
    schemaVersion: message.schema_version ?? 0,
    madeAtMs: toNumber(message.made_at_us) / 1000,
    databaseBytes: toNumber(message.database_bytes),
    received: fromOriginIntervals(message.received),
    results: toNumber(message.results),
    peers: new Map(
      (message.peers ?? []).map(({ fab_id, address }) => [fabId(fab_id ?? ''), address || null]),
    ),
  };
}

/** Bytes of a manifest, as they stand behind the database in a backup. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return BackupManifest.encode(toManifest(manifest)).finish();
}

/** Manifest of its bytes. @throws WafersyncError `invalid`, or what protobufjs throws */
export function decodeManifest(bytes: Uint8Array): Manifest {
  return fromManifest(BackupManifest.decode(bytes));
}
