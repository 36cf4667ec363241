import type { TestKind } from '../../wafer/program.ts';
import { ABSENT, type Body } from './body.ts';

/** Fields that a test's definition is made of beside its limits. */
export interface TestDetails {
  readonly units: string;
  /** Float32 bits; {@link ABSENT} where the record has none. */
  readonly lowSpecBits: number;
  /** Float32 bits; {@link ABSENT} where the record has none. */
  readonly highSpecBits: number;
}

/**
 * A PTR, MPR or FTR, decoded in place. One object serves for all of them, so that it is good only until the next
 * record. Numbers are {@link ABSENT} where the record ended before them.
 */
export class ResultRecord {
  type: TestKind = 'PTR';
  /** TEST_NUM. */
  number = ABSENT;
  head = ABSENT;
  site = ABSENT;
  testFlags = ABSENT;
  /** PARM_FLG; always absent in a FTR. */
  parmFlags = ABSENT;
  /** Values: 0 or 1 in a PTR, any number in a MPR, 0 in a FTR. */
  valueCount = 0;
  /** Bytes of TEST_TXT: from, to. Equal where it is empty or absent. */
  nameStart = 0;
  nameEnd = 0;
  /** OPT_FLAG of a PTR or MPR; absent in a FTR, whose OPT_FLAG says nothing about limits. */
  optFlags = ABSENT;
  /** RES_SCAL as its byte. */
  resultScale = ABSENT;
  /** LO_LIMIT and HI_LIMIT as float32 bits. */
  lowBits = ABSENT;
  highBits = ABSENT;
  readonly #body: Body;
  #valuesAt = 0;
  #returnCount = 0;

  constructor(body: Body) {
    this.#body = body;
  }

  /** Buffer that the bytes of the name stand in. */
  get buffer(): Buffer {
    return this.#body.buffer;
  }

  /** Float32 bits of a value, 0 ≤ index < valueCount. */
  valueBits(index: number): number {
    return this.#body.f4At(this.#valuesAt + index * 4);
  }

  /** Reads the record that the body stands at the start of. */
  read(type: TestKind): this {
    const body = this.#body;
    this.type = type;
    this.number = body.u4();
    this.head = body.u1();
    this.site = body.u1();
    this.testFlags = body.u1();
    this.#returnCount = 0;
    if (type === 'FTR') this.#readFunctional(body);
    else this.#readParametric(body, type);
    return this;
  }

  /** The fields behind the limits. May be called once, and not for a FTR. */
  details(): TestDetails {
    const body = this.#body;
    if (this.type === 'MPR') {
      body.pass(8); // START_IN, INCR_IN
      body.pass(this.#returnCount * 2); // RTN_INDX
    }
    const units = body.text();
    if (this.type === 'MPR') body.passText(); // UNITS_IN
    for (let format = 0; format < 3; format++) body.passText();
    return { units, lowSpecBits: body.f4(), highSpecBits: body.f4() };
  }

  #readParametric(body: Body, type: TestKind): void {
    this.parmFlags = body.u1();
    if (type === 'PTR') this.#readValues(body, 1);
    else {
      this.#returnCount = Math.max(0, body.u2());
      const values = Math.max(0, body.u2());
      body.pass((this.#returnCount + 1) >>> 1); // RTN_STAT, half a byte each
      this.#readValues(body, values);
    }
    this.#readName(body);
    body.passText(); // ALARM_ID
    this.optFlags = body.u1();
    this.resultScale = body.u1();
    body.pass(2); // LLM_SCAL, HLM_SCAL
    this.lowBits = body.f4();
    this.highBits = body.f4();
  }

  #readFunctional(body: Body): void {
    this.parmFlags = ABSENT;
    this.optFlags = ABSENT;
    this.valueCount = 0;
    // OPT_FLAG, CYCL_CNT, REL_VADR, REPT_CNT, NUM_FAIL, XFAIL_AD, YFAIL_AD, VECT_OFF
    body.pass(1 + 6 * 4 + 2);
    const returned = Math.max(0, body.u2());
    const programmed = Math.max(0, body.u2());
    for (const pins of [returned, programmed]) {
      body.pass(pins * 2); // RTN_INDX, PGM_INDX
      body.pass((pins + 1) >>> 1); // RTN_STAT, PGM_STAT
    }
    body.passBits(); // FAIL_PIN
    for (let text = 0; text < 3; text++) body.passText(); // VECT_NAM, TIME_SET, OP_CODE
    this.#readName(body);
  }

  #readValues(body: Body, count: number): void {
    const at = body.pass(count * 4);
    this.#valuesAt = at;
    this.valueCount = at < 0 ? 0 : count;
  }

  #readName(body: Body): void {
    body.passText();
    this.nameStart = body.textStart;
    this.nameEnd = body.textEnd;
  }
}
