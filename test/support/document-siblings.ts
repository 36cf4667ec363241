import fc from 'fast-check';
import { type Dot, epoch, fabId, sequence } from '../../src/clocks/dot.ts';
import type { Timestamp } from '../../src/clocks/hlc.ts';
import { VersionVector } from '../../src/clocks/version-vector.ts';
import type { Sibling } from '../../src/wafer/document/edit.ts';

/** `tw` and 3: the third update of tw's first life. */
export function dotOf(fab: string, position: number): Dot {
  return { fab: fabId(fab), epoch: epoch(2 ** 40), sequence: sequence(position) };
}

/** A write that has seen some others. @param value canonical JSON text; null removes */
export function sibling(
  dot: Dot,
  value: string | null,
  { timestamp = 1, seen = [] }: { timestamp?: number; seen?: readonly Dot[] } = {},
): Sibling {
  return { dot, value, timestamp: timestamp as Timestamp, context: VersionVector.of(seen) };
}

/** Values of which each policy knows some, and none all. */
export const anyValue: fc.Arbitrary<string | null> = fc.constantFrom(
  ...['"ship"', '"release"', '"none"', '"hold"', '"scrap"', '"other"', 'true', 'false', 'null'],
  ...['"pass"', '"fail"', '0', '1', '2', '10', '-1', '1.5', '"5"', '{}', '[]', '[1,2]', null],
);

/** Siblings of which none has seen another, with few times, so that these tie. */
export const anySiblings: fc.Arbitrary<readonly Sibling[]> = fc
  .uniqueArray(fc.tuple(fc.constantFrom('tw', 'az', 'de', 'il', 'kr'), fc.integer({ min: 1, max: 2 })), {
    minLength: 1,
    maxLength: 6,
    selector: ([fab, position]) => `${fab} ${position}`,
  })
  .chain((dots) =>
    fc.tuple(
      ...dots.map(([fab, position]) => {
        const timestamp = fc.integer({ min: 1, max: 3 });
        return fc
          .tuple(anyValue, timestamp)
          .map(([value, timestamp]) => sibling(dotOf(fab, position), value, { timestamp }));
      }),
    ),
  );
