import type { LotParameters } from './parameters.ts';

type Preset = Partial<LotParameters> & Pick<LotParameters, 'wafers' | 'dies' | 'tests'>;

/**
 * Lots of the sizes met in the field; results are about wafers × dies × tests. `demo` holds a little of everything
 * that a file can hold, so that it proves as much as a real one.
 */
export const PRESETS = {
  /** 36,000 results. */
  demo: { wafers: 2, dies: 300, tests: 60, mprShare: 0.02, ftrShare: 0.04, nonFinite: 4e-4, oddFlags: 5e-4 },
  /** 180,000 results. */
  small: { wafers: 5, dies: 600, tests: 60 },
  /** 19 million results. */
  typical: { wafers: 25, dies: 2_000, tests: 380 },
  /** 39 million results. */
  heavy: { wafers: 25, dies: 4_056, tests: 380 },
  /** 101 million results. */
  stress: { wafers: 25, dies: 10_600, tests: 380, sites: 8 },
} as const satisfies Record<string, Preset>;

/** Name of a preset. */
export type PresetName = keyof typeof PRESETS;
