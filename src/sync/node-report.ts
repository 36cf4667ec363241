import { TransportVector } from '../clocks/transport-vector.ts';
import type { Store } from '../store/store.ts';
import type { Report } from './report.ts';

/** This node's report, as of its last commit. */
export function reportOf(store: Pick<Store, 'vectors' | 'origin' | 'commitNumber'>): Report {
  const { received, applied } = store.vectors;
  return { node: store.origin, number: store.commitNumber, received, held: heldOf(received, applied) };
}

/** Reports of other nodes, as kept from before a restart. */
export function keptReports(store: Pick<Store, 'peers'>): Report[] {
  return store.peers.reports().map(({ origin, number, received, applied }) => {
    return { node: origin, number, received, held: heldOf(received, applied) };
  });
}

function heldOf(received: TransportVector, applied: TransportVector): TransportVector {
  return received.equals(applied) ? TransportVector.empty : received.difference(applied);
}
