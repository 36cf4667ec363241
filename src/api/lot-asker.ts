import type { FabId } from '../clocks/dot.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Membership } from '../sync/membership.ts';
import { syncMonitor } from '../wire/services.ts';
import { GrpcCode } from '../wire/status.ts';
import { fromOriginIntervals } from '../wire/vectors.ts';
import { makeClient } from './client.ts';
import { nodeFailure } from './node-failure.ts';

/** How long a fab may take to say what it has of a lot, milliseconds. */
const ASK_DEADLINE_MS = 5_000;

/** What came of asking a fab what it has of a lot. */
export type LotAnswer =
  | { readonly kind: 'answered'; readonly digest: string; readonly vector: TransportVector }
  /** It does not answer now, though it may at another time. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** Nobody can ask it: this node has no address of it, or it is of a version that does not know the question. */
  | { readonly kind: 'unaskable'; readonly reason: string };

/** Asks a fab, by a connection of its own. */
export type AskLot = (fab: FabId, lot: string, signal: AbortSignal) => Promise<LotAnswer>;

/** Asks the nodes of other fabs over gRPC, where this node dials them. */
export function lotAsker(membership: Pick<Membership, 'addressOf'>): AskLot {
  return async (fab, lot, signal) => {
    const address = membership.addressOf(fab);
    if (address === null) return { kind: 'unaskable', reason: 'this node has no address of it' };
    const client = makeClient(syncMonitor, address);
    try {
      const answer = await client.GetLotDigest({ lot }, { deadlineMs: ASK_DEADLINE_MS, signal });
      if (answer.fab_id !== fab) {
        return {
          kind: 'silent',
          reason: `at ${address} answers ${answer.fab_id} instead: correct the address`,
        };
      }
      return {
        kind: 'answered',
        digest: answer.digest ?? '',
        vector: fromOriginIntervals(answer.vector),
      };
    } catch (thrown) {
      if (signal.aborted) return { kind: 'silent', reason: 'it did not answer before time was up' };
      return failed(WafersyncError.from(thrown), address);
    } finally {
      client.close();
    }
  };
}

function failed(error: WafersyncError, address: string): LotAnswer {
  const { cause } = error;
  const isUnknown = cause instanceof Error && 'code' in cause && cause.code === GrpcCode.UNIMPLEMENTED;
  if (isUnknown) return { kind: 'unaskable', reason: 'its version of wafersync cannot be asked for a lot' };
  return { kind: 'silent', reason: nodeFailure(error, address).line };
}
