import { makeClient } from '../../src/api/client.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { fromOriginIntervals } from '../../src/wire/vectors.ts';

/** What the node at an address has received. */
export async function receivedAt(address: string): Promise<TransportVector> {
  const monitor = makeClient(syncMonitor, address);
  try {
    return fromOriginIntervals((await monitor.GetNode({})).node?.received);
  } finally {
    monitor.close();
  }
}

/** What any of these nodes has received. */
export async function receivedAtAny(addresses: readonly string[]): Promise<TransportVector> {
  const vectors = await Promise.all(addresses.map(receivedAt));
  return vectors.reduce((joined, vector) => joined.join(vector), TransportVector.empty);
}

/** Settles once the node at an address has received all of a vector; looked at whenever it tells of a change. */
export async function reaches(address: string, wanted: TransportVector): Promise<void> {
  const monitor = makeClient(syncMonitor, address);
  try {
    for await (const { node } of monitor.WatchNode({ min_interval_ms: 20 }))
      if (fromOriginIntervals(node?.received).covers(wanted)) return;
  } finally {
    monitor.close();
  }
  throw new Error(`the watch of ${address} ended before it had all`);
}

/** Settles once all of these nodes have received the same; for a mesh in which nothing is born any more. */
export async function converged(addresses: readonly string[]): Promise<void> {
  const all = await receivedAtAny(addresses);
  await Promise.all(addresses.map((address) => reaches(address, all)));
}
