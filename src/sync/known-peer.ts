import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { Membership } from './membership.ts';

/**
 * Checks that a fab is a peer, as far as anybody knows.
 * @throws WafersyncError `precondition` for this fab itself, `not-found` for one that nobody knows
 */
export function checkPeer(self: FabId, fab: FabId, membership: Pick<Membership, 'stateOf' | 'fabs'>): void {
  if (fab === self) {
    throw new WafersyncError('precondition', `this is the node of ${fab}: it is no peer of itself`, {
      hint: 'Name another fab; `wafersync drain` stops what is taken in here.',
    });
  }
  if (membership.stateOf(fab) !== null) return;
  const known = membership.fabs().map((each) => each.fab);
  throw new WafersyncError('not-found', `${fab} is no fab of this mesh`, {
    hint: `It has ${known.join(', ')}.`,
  });
}
