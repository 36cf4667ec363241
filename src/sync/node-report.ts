import { originKey } from '../clocks/dot.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import type { Log } from '../log.ts';
import type { Store } from '../store/store.ts';
import type { OwnChains } from './fork-searches.ts';
import type { Report } from './report.ts';

/** This node's report, as of its last commit. */
export function reportOf(
  store: Pick<Store, 'vectors' | 'origin' | 'commitNumber' | 'chains' | 'nextSequence'>,
): Report {
  const { received, applied } = store.vectors;
  const held = heldOf(received, applied);
  const { origin: node, commitNumber: number } = store;
  return { node, number, received, held, chains: store.chains.all(), issued: store.nextSequence() - 1 };
}

/** This node's chains, as a mesh reads them. One that cannot be read cannot be compared: that is no fault of who asks. */
export function ownChains({ chains }: Pick<Store, 'chains'>, log: Log): OwnChains {
  return {
    at: (origin, height) => {
      try {
        return chains.at(origin, height);
      } catch (thrown) {
        log.warn('chain.not_read', { origin: originKey(origin), height }, thrown);
        return null;
      }
    },
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
