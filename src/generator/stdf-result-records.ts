import type { AttemptModel, ResultModel } from './attempt-model.ts';
import type { StdfBytes } from './stdf-bytes.ts';
import type { TestModel } from './test-model.ts';

/** Where records say the name of their test: in the first one of the file, or in all. */
export type NameRecords = 'first' | 'all';

/** OPT_FLAG of a PTR or MPR: a bit each. */
const OPT_FLAG = { reserved: 0x02, noLowSpec: 0x04, noHighSpec: 0x08, noLow: 0x40, noHigh: 0x80 } as const;

/**
 * Writes PTR, MPR and FTR. The first record of a test carries its defaults (name, units, scales, limits); later ones
 * end after the values, unless their limits have changed or their test shares its number.
 */
export class ResultRecords {
  readonly #bytes: StdfBytes;
  readonly #names: NameRecords;
  /** Indexes of the tests whose defaults are in the file. */
  readonly #defined = new Set<number>();

  constructor(bytes: StdfBytes, names: NameRecords) {
    this.#bytes = bytes;
    this.#names = names;
  }

  /** Adds the record of one result. */
  write(attempt: AttemptModel, result: ResultModel): void {
    const { test } = result;
    const first = !this.#defined.has(test.index);
    this.#defined.add(test.index);
    const named = first || test.numberIsShared || this.#names === 'all';
    const name = named ? test.name : '';
    if (test.kind === 'FTR') this.#ftr(attempt, result, name);
    else if (test.kind === 'PTR') this.#ptr(attempt, result, name, first || result.changedLimits !== null);
    else this.#mpr(attempt, result, name, first);
  }

  #ptr(attempt: AttemptModel, result: ResultModel, name: string, defines: boolean): void {
    const bytes = this.#bytes;
    bytes.record(15, 10, () => {
      this.#start(attempt, result);
      bytes.u1(result.parmFlags).r4(result.values[0] ?? 0);
      if (!name && !defines) return;
      bytes.cn(name);
      if (!defines) return;
      this.#limits(result);
      bytes.cn(result.test.units);
      this.#formatsAndSpec(result.test);
    });
  }

  #mpr(attempt: AttemptModel, result: ResultModel, name: string, defines: boolean): void {
    const bytes = this.#bytes;
    const { values, test } = result;
    bytes.record(15, 15, () => {
      this.#start(attempt, result);
      bytes.u1(result.parmFlags).u2(values.length).u2(values.length);
      bytes.nibbles(values.map((_, pin) => pin & 1));
      for (const value of values) bytes.r4(value);
      if (!name && !defines) return;
      bytes.cn(name);
      if (!defines) return;
      this.#limits(result);
      bytes.r4(0).r4(0); // START_IN, INCR_IN: marked invalid
      for (let pin = 1; pin <= values.length; pin++) bytes.u2(pin);
      bytes.cn(test.units).cn('');
      this.#formatsAndSpec(test);
    });
  }

  #ftr(attempt: AttemptModel, result: ResultModel, name: string): void {
    const bytes = this.#bytes;
    bytes.record(15, 20, () => {
      this.#start(attempt, result);
      if (!name) return;
      const nothingValid = 0xff;
      bytes.u1(nothingValid).u4(0).u4(0).u4(0).u4(0).u4(0).u4(0).u2(0); // OPT_FLAG to VECT_OFF
      bytes.u2(0).u2(0).noBits(); // no pins: RTN_ICNT, PGM_ICNT, FAIL_PIN
      bytes.cn('').cn('').cn('').cn(name); // VECT_NAM, TIME_SET, OP_CODE, TEST_TXT
    });
  }

  #start({ head, site }: AttemptModel, { test, flags }: ResultModel): void {
    this.#bytes.u4(test.number).u1(head).u1(site).u1(flags);
  }

  /** ALARM_ID to HI_LIMIT. */
  #limits({ test, changedLimits }: ResultModel): void {
    const { low, high } = changedLimits ?? test.limits;
    const flags =
      OPT_FLAG.reserved |
      (test.spec.low === null ? OPT_FLAG.noLowSpec : 0) |
      (test.spec.high === null ? OPT_FLAG.noHighSpec : 0) |
      (low === null ? OPT_FLAG.noLow : 0) |
      (high === null ? OPT_FLAG.noHigh : 0);
    const { scale } = test;
    this.#bytes
      .cn('')
      .u1(flags)
      .i1(scale)
      .i1(scale)
      .i1(scale)
      .r4(low ?? 0)
      .r4(high ?? 0);
  }

  /** C_RESFMT to HI_SPEC. */
  #formatsAndSpec({ spec }: TestModel): void {
    const bytes = this.#bytes.cn('%9.4f').cn('%9.4f').cn('%9.4f');
    if (spec.low !== null || spec.high !== null) bytes.r4(spec.low ?? 0).r4(spec.high ?? 0);
  }
}
