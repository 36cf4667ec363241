import type { FabId } from '../../clocks/dot.ts';
import type { NodeConfig } from '../../config/load.ts';
import type { Manifest } from '../../wire/backup-manifest.ts';
import { fromOriginIntervals } from '../../wire/vectors.ts';
import { askNode } from '../ask-node.ts';
import type { Answer } from './outlook.ts';

/** How long a fab has to answer, milliseconds. */
const DEADLINE_MS = 5_000;

/**
 * Asks the other fabs what they have, all at once: those of the configuration, and those that were known when the backup
 * was made. An address of the configuration goes before that of the backup.
 */
export function askPeers({ fab, mesh }: NodeConfig, { peers }: Manifest): Promise<Answer[]> {
  const addresses = new Map<FabId, string | null>([
    ...peers,
    ...mesh.peers.map((peer) => [peer.fab, peer.address] as const),
  ]);
  addresses.delete(fab);
  const others = [...addresses].sort(([a], [b]) => (a < b ? -1 : 1));
  return Promise.all(others.map(([peer, address]) => ask(peer, address)));
}

async function ask(fab: FabId, address: string | null): Promise<Answer> {
  if (address === null) {
    return { fab, address, error: 'neither the configuration nor the backup has its address' };
  }
  const { node, error } = await askNode(address, DEADLINE_MS);
  if (error) return { fab, address, error: error.line };
  if (node.fab_id === fab) return { fab, address, received: fromOriginIntervals(node.received) };
  return { fab, address, error: `fab ${node.fab_id} answers there. Correct mesh.peers.` };
}
