import type { OutgoingBatch, OutgoingDie } from '../api/tester-messages.ts';
import type { TesterPlace } from './tester-result.ts';

/** Results of one die in a row, checked and numbered. */
export interface Rows {
  readonly place: TesterPlace;
  /** Numbers of the tests. */
  readonly tests: readonly number[];
  readonly values: ArrayLike<number | null>;
  /** STDF TEST_FLG of each. */
  readonly flags: ArrayLike<number>;
  /** Time of each, microseconds since 1970-01-01T00:00:00Z, or one for all; 0 where it is not known. */
  readonly timestampUs: number | ArrayLike<number>;
  readonly lastOfDie: boolean;
}

interface OpenDie extends Omit<OutgoingDie, 'results' | 'hardBin' | 'softBin' | 'lastOfDie'> {
  results: number;
  hardBin: number | null;
  softBin: number | null;
  lastOfDie: boolean;
}

/** Gathers results of one wafer into a batch. */
export class BatchBuilder {
  readonly #first: number;
  readonly #wafer: Pick<OutgoingBatch, 'waferId' | 'lot' | 'insertion'>;
  readonly #dies: OpenDie[] = [];
  readonly #tests: number[] = [];
  readonly #values: number[] = [];
  readonly #flags: number[] = [];
  readonly #valueless: number[] = [];
  /** Absolute times; 0 where one is not known. */
  readonly #times: number[] = [];

  /** @param first position of the first result in the stream */
  constructor(first: number, place: TesterPlace) {
    this.#first = first;
    this.#wafer = waferOf(place);
  }

  /** How many results it has. */
  get length(): number {
    return this.#values.length;
  }

  /** How many dies it names. */
  get dies(): number {
    return this.#dies.length;
  }

  /** Position of the next result in the stream. */
  get next(): number {
    return this.#first + this.length;
  }

  /** Whether results of a place are of the same wafer. */
  takes(place: TesterPlace): boolean {
    const { waferId, lot, insertion } = waferOf(place);
    const own = this.#wafer;
    return waferId === own.waferId && lot === own.lot && insertion === own.insertion;
  }

  /** Adds rows `from` to `to`, excluded. */
  add({ place, tests, values, flags, timestampUs, lastOfDie }: Rows, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      const value = values[row]!;
      if (value === null) this.#valueless.push(this.length);
      this.#tests.push(tests[row]!);
      this.#values.push(value ?? 0);
      this.#flags.push(flags[row]!);
      this.#times.push(typeof timestampUs === 'number' ? timestampUs : timestampUs[row]!);
    }
    this.#addDie(place, to - from, lastOfDie && to === values.length);
  }

  batch(): OutgoingBatch {
    // Times count from the first one that is known; one that is not known comes to 0 again.
    const timestampUs = this.#times.find((time) => time !== 0) ?? 0;
    const oneTime = this.#times.every((time) => time === timestampUs);
    return {
      ...this.#wafer,
      first: this.#first,
      tests: this.#tests,
      values: this.#values,
      flags: Uint8Array.from(this.#flags),
      valueless: this.#valueless,
      timestampUs,
      timesUs: oneTime ? null : this.#times.map((time) => time - timestampUs),
      dies: this.#dies,
    };
  }

  #addDie(place: TesterPlace, results: number, lastOfDie: boolean): void {
    const last = this.#dies.at(-1);
    if (last && !last.lastOfDie && sameDie(last, place)) {
      last.results += results;
      last.hardBin = place.hardBin ?? last.hardBin;
      last.softBin = place.softBin ?? last.softBin;
      last.lastOfDie = lastOfDie;
      return;
    }
    this.#dies.push({
      results,
      x: place.x ?? null,
      y: place.y ?? null,
      partId: place.partId ?? '',
      head: place.head ?? 0,
      site: place.site ?? 0,
      hardBin: place.hardBin ?? null,
      softBin: place.softBin ?? null,
      lastOfDie,
    });
  }
}

function waferOf({ waferId, lot, insertion }: TesterPlace) {
  return { waferId: waferId ?? '', lot: lot ?? '', insertion: insertion ?? '' };
}

function sameDie(die: OpenDie, { x, y, partId, head, site }: TesterPlace): boolean {
  return (
    die.x === (x ?? null) &&
    die.y === (y ?? null) &&
    die.partId === (partId ?? '') &&
    die.head === (head ?? 0) &&
    die.site === (site ?? 0)
  );
}
