import { type FabId, fabId, mintEpoch, type Origin, sequence } from '../../src/clocks/dot.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import type { MeshEffect } from '../../src/sync/events.ts';
import { Mesh } from '../../src/sync/mesh.ts';
import type { MeshOptions } from '../../src/sync/mesh-options.ts';
import {
  type Announcement,
  type Hello,
  type PeerStatus,
  PROTOCOL_VERSION,
  type Window,
} from '../../src/sync/messages.ts';
import { emptyReport, type ReportDelta } from '../../src/sync/report.ts';
import type { Update } from '../../src/wafer/update.ts';
import { dots, modelUpdate } from './mesh-replica.ts';

/** First life of a fab's database, or a later one. */
export function originOf(fab: string, life = 1): Origin {
  return { fab: fabId(fab), epoch: mintEpoch(life, (bytes) => new Uint8Array(bytes)) };
}

/** A hello of a fab. */
export function helloOf(fab: string, changes: Partial<Hello> = {}): Hello {
  const window: Window = { updates: 4, bytes: 10_000 };
  return { protocol: PROTOCOL_VERSION, node: originOf(fab), window, maxUpdateBytes: 2 ** 21, ...changes };
}

/** A status that says nothing but what is given. */
export function statusOf(said: Partial<PeerStatus> = {}): PeerStatus {
  return { hello: null, report: null, acknowledged: 0, wants: null, relayed: [], echoUs: 0, ...said };
}

/** An announcement that says nothing but what is given. */
export function announcementOf(said: Partial<Announcement> = {}): Announcement {
  return { report: null, live: null, routes: null, relayed: [], sentAtUs: 0, ...said };
}

/** A whole report of a fab that has its own updates up to `through`. */
export function reportOf(fab: string, number: number, through: number): ReportDelta {
  const received = through === 0 ? TransportVector.empty : dots(originOf(fab), 1, through);
  return { node: originOf(fab), number, received, held: TransportVector.empty, full: true };
}

/** An update of a fab. */
export function updateOf(fab: string, n: number, bytes = 100): Update {
  return modelUpdate({ ...originOf(fab), sequence: sequence(n) }, bytes);
}

/** What the mesh of `tw` is made of, with no peers to dial. */
export const LONE: MeshOptions = {
  report: emptyReport(originOf('tw')),
  known: [],
  missingPrograms: [],
  chains: { at: () => null, top: () => 0 },
  peers: [],
  window: { updates: 4, bytes: 10_000 },
  catchUp: { chunkBytes: 10_000, chunkUpdates: 32, requestsPerLane: 2, pendingBytes: 50_000 },
  reconnect: { minMs: 100, maxMs: 2_000 },
  random: () => 0,
};

/** The mesh of `tw`, alone with what a test tells it. */
export function loneMesh(peers: readonly string[] = ['az'], window: Window = LONE.window): Mesh {
  return new Mesh({ ...LONE, peers: peers.map(fabId), window });
}

/** Effects of one type. */
export function only<T extends MeshEffect['type']>(
  effects: readonly MeshEffect[],
  type: T,
): Extract<MeshEffect, { type: T }>[] {
  return effects.filter((effect): effect is Extract<MeshEffect, { type: T }> => effect.type === type);
}

/** A lane of a mesh to `az` that was dialled and greeted. */
export function greetedLane(mesh: Mesh, wants: readonly FabId[] = [fabId('tw')]): number {
  mesh.step({ type: 'outbound-dialled', peer: fabId('az'), lane: 1 });
  mesh.step({
    type: 'outbound-status',
    lane: 1,
    status: statusOf({ hello: helloOf('az'), wants }),
    nowUs: 0,
  });
  return 1;
}
