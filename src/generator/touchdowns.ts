import type { Touchdown } from './attempt-model.ts';
import { type Die, inGroups, type SitedDie } from './die-map.ts';
import { measure } from './measure.ts';
import type { LotModel } from './model.ts';
import type { Random } from './random.ts';
import { chooseRetests } from './retests.ts';
import type { WaferModel } from './wafer-model.ts';

/** Time between two touchdowns, milliseconds. */
export const STEP_MS = 450;

/** Tests a wafer: every die once, then the retests. Memory is bounded by one touchdown and a few bytes a die. */
export function* touchdowns(lot: LotModel, wafer: WaferModel): Generator<Touchdown> {
  const prober = new Prober(lot, wafer);
  const defects = wafer.random.fork('defects');
  const firstFails = new Int32Array(lot.dies.length);
  for (const sited of lot.path) {
    const touchdown = prober.touch(sited, 0, (die) => drawDefect(lot, wafer, die, defects));
    for (const attempt of touchdown.attempts) firstFails[attempt.die.index] = attempt.firstFail;
    yield touchdown;
  }
  const drawAny = (random: Random): number => random.pick(lot.failable);
  const retests = chooseRetests(wafer.retests, firstFails, drawAny, wafer.random.fork('retests'));
  const defectOf = new Map(retests.map(({ die, defect }) => [die, defect]));
  const dies = retests.map(({ die }) => lot.dies[die] as Die);
  for (const sited of inGroups(dies, lot.parameters.sites)) {
    yield prober.touch(sited, 1, (die) => defectOf.get(die.index) ?? -1);
  }
}

/** How long a touchdown lasts, milliseconds: as long as its slowest site. */
export function lastingMs({ attempts }: Pick<Touchdown, 'attempts'>): number {
  return Math.max(...attempts.map((attempt) => attempt.timeMs));
}

/** Touches dies one group after the other, and keeps the time and the part ids. */
class Prober {
  readonly #lot: LotModel;
  readonly #wafer: WaferModel;
  /** By index of the die. */
  readonly #partIds: string[] = [];
  #parts = 0;
  #touchdowns = 0;
  #nowMs: number;

  constructor(lot: LotModel, wafer: WaferModel) {
    this.#lot = lot;
    this.#wafer = wafer;
    this.#nowMs = wafer.startMs;
  }

  /** @param defectOf index of the test that a die fails; −1 for none */
  touch(sited: readonly SitedDie[], round: 0 | 1, defectOf: (die: Die) => number): Touchdown {
    const index = this.#touchdowns++;
    const attempts = sited.map(({ die, site }) => {
      const partId = this.#partId(die);
      const contact = { die, site, partId, round, defect: defectOf(die), touchdown: index };
      return measure(this.#lot, this.#wafer, contact);
    });
    const startMs = this.#nowMs;
    this.#nowMs += STEP_MS + lastingMs({ attempts });
    return { index, startMs, attempts };
  }

  /** Parts are counted over the wafer; a retest is a new part unless it is marked by the id. */
  #partId(die: Die): string {
    const keeps = this.#lot.parameters.retestMarks === 'part-id';
    const partId = (keeps ? this.#partIds[die.index] : undefined) ?? String(++this.#parts);
    this.#partIds[die.index] = partId;
    return partId;
  }
}

/** The test that a die fails when it is first tested, −1 for none: by the wafer's pattern, or by chance. */
function drawDefect(lot: LotModel, wafer: WaferModel, die: Die, random: Random): number {
  // A pattern has one cause, so its dies fail the same test.
  if (random.chance(wafer.signature.hits(die)))
    return lot.failable[wafer.index % lot.failable.length] as number;
  return random.chance(wafer.defectRate) ? random.pick(lot.failable) : -1;
}
