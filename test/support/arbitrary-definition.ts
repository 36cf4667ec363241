import fc from 'fast-check';
import type { TestDefinition } from '../../src/wafer/program.ts';

/** Limits: float32 values, decimals that are not, infinities, both zeros, NaN. */
const arbitraryLimit: fc.Arbitrary<number | null> = fc.option(
  fc.oneof(fc.float(), fc.double(), fc.constantFrom(0, -0, 1.8, 0.1)),
);

/** A test definition with every corner that its type allows. Numbers and names are few, so that some are met twice. */
export const arbitraryDefinition: fc.Arbitrary<TestDefinition> = fc.record(
  {
    kind: fc.constantFrom('PTR', 'MPR', 'FTR'),
    number: fc.oneof(fc.nat(3), fc.nat(0xffffffff)),
    name: fc.oneof(fc.constantFrom('', 'Vdd', 'Idd'), fc.string({ unit: 'binary', maxLength: 12 })),
    units: fc.oneof(fc.constantFrom('', 'V'), fc.string({ unit: 'binary', maxLength: 4 })),
    lowLimit: arbitraryLimit,
    highLimit: arbitraryLimit,
    lowSpec: arbitraryLimit,
    highSpec: arbitraryLimit,
    resultScale: fc.option(fc.integer({ min: -128, max: 127 })),
  },
  { noNullPrototype: true },
);

/** A definition to be changed where a test needs it otherwise. */
export function plainDefinition(changes: Partial<TestDefinition> = {}): TestDefinition {
  return {
    kind: 'PTR',
    number: 1000,
    name: 'Vdd',
    units: 'V',
    lowLimit: null,
    highLimit: null,
    lowSpec: null,
    highSpec: null,
    resultScale: null,
    ...changes,
  };
}
