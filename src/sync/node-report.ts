import { TransportVector } from '../clocks/transport-vector.ts';
import type { Store } from '../store/store.ts';
import type { OwnChains } from './fork-searches.ts';
import type { Report } from './report.ts';

/** This node's report, as of its last commit. */
export function reportOf(store: Pick<Store, 'vectors' | 'origin' | 'commitNumber' | 'chains'>): Report {
  const { received, applied } = store.vectors;
  const held = heldOf(received, applied);
  return { node: store.origin, number: store.commitNumber, received, held, chains: store.chains.all() };
}

/** This node's chains, as a mesh reads them. */
export function ownChains({ chains }: Pick<Store, 'chains'>): OwnChains {
  return {
    at: (origin, height) => chains.at(origin, height),
    top: (origin) => chains.top(origin),
  };
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
