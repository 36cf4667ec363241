import { type LotModel, makeLot } from './model.ts';
import { type LotParameters, lotParameters } from './parameters.ts';
import { Random } from './random.ts';

/** Time from the start of one lot to the start of the next, seconds. */
const BETWEEN_LOTS_SECONDS = 3_600;

/** Which lots. */
export interface LotsOptions {
  /** Safe integer; everything follows from it. */
  readonly seed: number;
  /** How many. */
  readonly lots: number;
  /** Beginning of their ids; a number follows. */
  readonly name: string;
  /** What all of them are like. */
  readonly parameters: Partial<LotParameters>;
}

/**
 * Makes lots one after the other, each by a tester of its own. The same options make the same lots.
 * @throws WafersyncError `invalid` naming the parameter and its bounds
 */
export function* makeLots({ seed, lots, name, parameters }: LotsOptions): Generator<LotModel> {
  const random = Random.seeded(lotParameters({ ...parameters, seed, lot: name }).seed);
  for (let number = 1; number <= lots; number++) {
    const digits = String(number).padStart(3, '0');
    const base = lotParameters({
      ...parameters,
      seed: random.fork(number).uint32(),
      lot: `${name}-${digits}`,
    });
    yield makeLot({
      ...base,
      startedAt: base.startedAt + (number - 1) * BETWEEN_LOTS_SECONDS,
      names: { ...base.names, equipment: `TESTER-${digits}` },
    });
  }
}
