import type { TestKind } from '../../wafer/program.ts';
import { Body, type NumberFormat } from './body.ts';
import { recordCode } from './record-names.ts';
import { ResultRecord } from './result-record.ts';

/** MIR: what is known of the lot, by STDF names. Numbers that the record lacks are left out, texts are empty. */
export type MirFields = Readonly<Record<string, number | string>>;

/** PIR: a part begins on a head and site. */
export interface PirRecord {
  readonly type: 'PIR';
  /** Absent fields are −1. */
  readonly head: number;
  readonly site: number;
}

/** PRR: a part has ended. Absent numbers are −1, absent coordinates −32768. */
export interface PrrRecord {
  readonly type: 'PRR';
  readonly head: number;
  readonly site: number;
  readonly partFlags: number;
  readonly testCount: number;
  readonly hardBin: number;
  readonly softBin: number;
  readonly x: number;
  readonly y: number;
  /** TEST_T, milliseconds. */
  readonly testTimeMs: number;
  readonly partId: string;
}

/** WIR: a wafer begins on a head. */
export interface WirRecord {
  readonly type: 'WIR';
  readonly head: number;
  /** START_T, seconds of local time. */
  readonly startSeconds: number;
  readonly waferId: string;
}

/** WRR: a wafer has ended. */
export interface WrrRecord {
  readonly type: 'WRR';
  readonly head: number;
  readonly waferId: string;
}

/** MIR: what was tested, on what, by what. */
export interface LotRecord {
  readonly type: 'MIR';
  readonly fields: MirFields;
}

/** A record of which only the presence counts. */
export interface OtherRecord {
  readonly type: 'MRR' | 'other';
}

/** A decoded record. A {@link ResultRecord} is good only until the next one. */
export type StdfRecord =
  | ResultRecord
  | PirRecord
  | PrrRecord
  | WirRecord
  | WrrRecord
  | LotRecord
  | OtherRecord;

/** X_COORD and Y_COORD of a part without coordinates. */
export const NO_COORDINATE = -32768;

/** Decodes records by their code; those that nothing is read from are `other`. */
export class RecordDecoder {
  readonly #body: Body;
  readonly #result: ResultRecord;

  constructor(format: NumberFormat) {
    this.#body = new Body(format);
    this.#result = new ResultRecord(this.#body);
  }

  /** Decodes the record whose fields are the bytes `start` to `end` of the buffer. */
  decode(code: number, buffer: Buffer, start: number, end: number): StdfRecord {
    const kind = RESULT_KINDS.get(code);
    if (kind !== undefined) {
      this.#body.over(buffer, start, end);
      return this.#result.read(kind);
    }
    const read = READERS.get(code);
    return read ? read(this.#body.over(buffer, start, end)) : OTHER;
  }
}

const OTHER: OtherRecord = { type: 'other' };

const RESULT_KINDS = new Map<number, TestKind>([
  [recordCode(15, 10), 'PTR'],
  [recordCode(15, 15), 'MPR'],
  [recordCode(15, 20), 'FTR'],
]);

const READERS = new Map<number, (body: Body) => StdfRecord>([
  [recordCode(1, 10), readMir],
  [recordCode(1, 20), () => ({ type: 'MRR' })],
  [recordCode(2, 10), readWir],
  [recordCode(2, 20), readWrr],
  [recordCode(5, 10), (body) => ({ type: 'PIR', head: body.u1(), site: body.u1() })],
  [recordCode(5, 20), readPrr],
]);

function readPrr(body: Body): PrrRecord {
  return {
    type: 'PRR',
    head: body.u1(),
    site: body.u1(),
    partFlags: body.u1(),
    testCount: body.u2(),
    hardBin: body.u2(),
    softBin: body.u2(),
    x: body.i2(NO_COORDINATE),
    y: body.i2(NO_COORDINATE),
    testTimeMs: body.u4(),
    partId: body.text(),
  };
}

function readWir(body: Body): WirRecord {
  const head = body.u1();
  body.pass(1); // SITE_GRP
  return { type: 'WIR', head, startSeconds: body.u4(), waferId: body.text() };
}

function readWrr(body: Body): WrrRecord {
  const head = body.u1();
  body.pass(1 + 6 * 4); // SITE_GRP, FINISH_T, PART_CNT, RTST_CNT, ABRT_CNT, GOOD_CNT, FUNC_CNT
  return { type: 'WRR', head, waferId: body.text() };
}

/** Layout of the MIR: U1, U2, U4 numbers, C for one character, then texts. Source: STDF V4 specification. */
const MIR_HEAD = [
  ['SETUP_T', 'u4'],
  ['START_T', 'u4'],
  ['STAT_NUM', 'u1'],
  ['MODE_COD', 'c1'],
  ['RTST_COD', 'c1'],
  ['PROT_COD', 'c1'],
  ['BURN_TIM', 'u2'],
  ['CMOD_COD', 'c1'],
] as const;

const MIR_TEXTS =
  'LOT_ID PART_TYP NODE_NAM TSTR_TYP JOB_NAM JOB_REV SBLOT_ID OPER_NAM EXEC_TYP EXEC_VER TEST_COD TST_TEMP USER_TXT AUX_FILE PKG_TYP FAMLY_ID DATE_COD FACIL_ID FLOOR_ID PROC_ID OPER_FRQ SPEC_NAM SPEC_VER FLOW_ID SETUP_ID DSGN_REV ENG_ID ROM_COD SERL_NUM SUPR_NAM'.split(
    ' ',
  );

function readMir(body: Body): LotRecord {
  const fields: Record<string, number | string> = {};
  for (const [name, kind] of MIR_HEAD) {
    const value = kind === 'c1' ? body.u1() : body[kind]();
    if (value >= 0) fields[name] = kind === 'c1' ? String.fromCharCode(value) : value;
  }
  for (const name of MIR_TEXTS) fields[name] = body.text();
  return { type: 'MIR', fields };
}
