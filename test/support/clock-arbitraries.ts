import fc from 'fast-check';
import { type Dot, epoch, fabId, type Origin, sequence } from '../../src/clocks/dot.ts';
import { type Interval, IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { VersionVector } from '../../src/clocks/version-vector.ts';

/** Sequences from few, so that sets overlap, touch and miss each other. */
export const smallSequence = fc.integer({ min: 1, max: 40 });

/** Any intervals: overlapping, adjacent, in any order. */
export const intervals: fc.Arbitrary<Interval[]> = fc.array(
  fc.tuple(smallSequence, fc.nat({ max: 12 })).map(([from, length]) => ({ from, to: from + length })),
  { maxLength: 8 },
);

/** Any interval set over small sequences. */
export const intervalSet: fc.Arbitrary<IntervalSet> = intervals.map((list) => IntervalSet.of(list));

/** Origins from few: fabs whose names sort otherwise than their keys, and two lives of a fab. */
export const origin: fc.Arbitrary<Origin> = fc.record({
  fab: fc.constantFrom('a', 'a-b', 'tw').map(fabId),
  epoch: fc.constantFrom(2 ** 40, 9 * 2 ** 40 + 7, 10 * 2 ** 40).map(epoch),
});

/** Dots of those origins. */
export const dot: fc.Arbitrary<Dot> = fc
  .tuple(origin, smallSequence)
  .map(([from, position]) => ({ ...from, sequence: sequence(position) }));

/** Any fab id. */
export const anyFab = fc.stringMatching(/^[a-z][a-z0-9-]{0,15}$/).map(fabId);

/** Any dot that is allowed. */
export const anyDot: fc.Arbitrary<Dot> = fc.record({
  fab: anyFab,
  epoch: fc.maxSafeNat().map(epoch),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(sequence),
});

/** Any transport vector over those origins. */
export const transportVector: fc.Arbitrary<TransportVector> = fc
  .array(fc.tuple(origin, intervalSet), { maxLength: 6 })
  .map((entries) => TransportVector.of(entries));

/** Any version vector over those origins. */
export const versionVector: fc.Arbitrary<VersionVector> = fc
  .array(dot, { maxLength: 6 })
  .map((dots) => VersionVector.of(dots));
