import type { Dot, Origin } from '../../clocks/dot.ts';
import { sequence } from '../../clocks/dot.ts';
import { IntervalSet } from '../../clocks/interval-set.ts';
import { TransportVector } from '../../clocks/transport-vector.ts';
import { VersionVector } from '../../clocks/version-vector.ts';
import type { Edit } from './edit.ts';

/** Which updates gave way to others with the same dots, and what they are called since. */
export interface Succession {
  /** Least sequence of an origin that gave way; null where none did. */
  firstOf(origin: Origin): number | null;
  /** The dot under which an update that gave way was issued again; null where it was not. */
  successorOf(dot: Dot): Dot | null;
}

/** An edit as it is issued again: what it names of updates that gave way is named as it is called since. */
export function reissueEdit(edit: Edit, succession: Succession): Edit {
  const dots = (named: readonly Dot[]) => named.map((dot) => succession.successorOf(dot) ?? dot);
  return {
    ...edit,
    writes: edit.writes.map((write) => ({
      ...write,
      context: reissueContext(write.context, succession),
      replaces: dots(write.replaces),
    })),
    seen: edit.seen.map(({ field, context }) => ({ field, context: reissueContext(context, succession) })),
    attemptsSeen: reissueVector(edit.attemptsSeen, succession),
    settlements: edit.settlements.map((settlement) => ({ ...settlement, dots: dots(settlement.dots) })),
  };
}

/**
 * A context names the greatest sequence that was seen of an origin. Of those that gave way it covers the successors, which
 * are in the same order, and none of what has taken their dots.
 */
export function reissueContext(context: VersionVector, succession: Succession): VersionVector {
  const covered: Dot[] = [];
  for (const [origin, head] of context.entries()) {
    const first = succession.firstOf(origin);
    const kept = first === null ? head : Math.min(head, first - 1);
    if (kept > 0) covered.push({ ...origin, sequence: sequence(kept) });
    for (let n = head; first !== null && n >= first; n--) {
      const successor = succession.successorOf({ ...origin, sequence: sequence(n) });
      if (!successor) continue;
      covered.push(successor);
      break;
    }
  }
  return VersionVector.of(covered);
}

/** The updates of a vector as they are called since some gave way. */
export function reissueVector(vector: TransportVector, succession: Succession): TransportVector {
  let reissued = TransportVector.empty;
  for (const [origin, set] of vector.entries()) {
    const first = succession.firstOf(origin);
    if (first === null) {
      reissued = reissued.join(TransportVector.of([[origin, set]]));
      continue;
    }
    const kept = first === 1 ? IntervalSet.empty : set.intersection(IntervalSet.range(1, first - 1));
    reissued = reissued.join(TransportVector.of([[origin, kept]]));
    for (const { from, to } of set.difference(kept).intervals) {
      for (let n = from; n <= to; n++) {
        const successor = succession.successorOf({ ...origin, sequence: sequence(n) });
        if (successor) reissued = reissued.add(successor);
      }
    }
  }
  return reissued;
}
