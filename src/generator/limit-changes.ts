import type { Limits } from './distribution.ts';
import type { LotParameters } from './parameters.ts';
import type { Random } from './random.ts';
import type { TestModel } from './test-model.ts';

/** New limits of a test from one touchdown on. */
export interface LimitChange {
  readonly wafer: number;
  /** Position in the wafer. */
  readonly touchdown: number;
  readonly limits: Limits;
}

/** Draws where in the lot somebody tightened the high limit of a test; too little to fail good dies. */
export function drawLimitChanges(
  tests: readonly TestModel[],
  parameters: LotParameters,
  path: number,
  random: Random,
): ReadonlyMap<number, LimitChange> {
  const changes = new Map<number, LimitChange>();
  for (const { index, kind, limits } of tests) {
    const { low, high } = limits;
    if (kind !== 'PTR' || low === null || high === null) continue;
    if (!random.chance(parameters.dirt.limitChanges)) continue;
    changes.set(index, {
      wafer: random.below(parameters.wafers),
      touchdown: random.below(path),
      limits: { low, high: Math.fround(high - (high - low) * 0.03) },
    });
  }
  return changes;
}
