import type { ClientOf } from '../../api/client.ts';
import { WafersyncError } from '../../errors.ts';
import { syncMonitor } from '../../wire/services.ts';
import { GrpcCode } from '../../wire/status.ts';
import { withNode } from '../node-client.ts';
import { type PeerJson, peerJson } from '../peers/peer-json.ts';
import { type NodeJson, nodeJson } from './node-json.ts';

/** How long a node of the mesh is waited for, milliseconds. The one that was named may take longer. */
const ANSWER_MS = 3_000;

/** What a node said of itself and its peers. */
export interface Answer {
  readonly node: NodeJson;
  /** Null where it is of a version that does not tell. */
  readonly peers: readonly PeerJson[] | null;
}

/** Asks the node that was named. @throws WafersyncError where it cannot be reached */
export async function askNamed(address: string): Promise<Answer> {
  return await withNode(syncMonitor, address, (monitor) => askOn(monitor, address));
}

/** Asks another node of the mesh; answers with the error where it gives no answer in time. */
export async function askOther(address: string): Promise<Answer | WafersyncError> {
  try {
    return await withNode(syncMonitor, address, (monitor) => askOn(monitor, address, ANSWER_MS), ANSWER_MS);
  } catch (thrown) {
    return WafersyncError.from(thrown);
  }
}

/** Asks by a client that is there. @throws WafersyncError */
export async function askOn(
  monitor: ClientOf<typeof syncMonitor.methods>,
  address: string,
  deadlineMs?: number,
): Promise<Answer> {
  const bounded = deadlineMs === undefined ? {} : { deadlineMs };
  const [{ node }, peers] = await Promise.all([monitor.GetNode({}, bounded), peersOn(monitor, bounded)]);
  if (!node) throw new WafersyncError('unavailable', `the node at ${address} gave no state`);
  return { node: nodeJson(node), peers };
}

async function peersOn(
  monitor: ClientOf<typeof syncMonitor.methods>,
  bounded: { readonly deadlineMs?: number },
): Promise<PeerJson[] | null> {
  try {
    const { peers } = await monitor.ListPeers({}, bounded);
    return (peers ?? []).map(peerJson);
  } catch (thrown) {
    const { cause } = WafersyncError.from(thrown);
    if (cause instanceof Error && 'code' in cause && cause.code === GrpcCode.UNIMPLEMENTED) return null;
    throw thrown;
  }
}

/** Where the other nodes of the mesh are, by fab, as far as a node knows. */
export function addressesOf({ node, peers }: Answer): ReadonlyMap<string, string> {
  const known = [...node.peers, ...(peers ?? []).filter(({ state }) => state !== 'removed')];
  return new Map(
    known.filter(({ address }) => address !== '').map(({ fab_id, address }) => [fab_id, address]),
  );
}
