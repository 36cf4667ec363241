import type { LotModel } from './model.ts';
import type { ByteOrder, StdfBytes } from './stdf-bytes.ts';
import type { WaferModel } from './wafer-model.ts';

/** Seconds of the tester's local time at an offset into the lot. */
export function localSeconds(lot: LotModel, offsetMs: number): number {
  return lot.parameters.startedAt + lot.clockOffsetSeconds + Math.floor(offsetMs / 1000);
}

/** Everything before the first wafer: FAR, ATR, MIR, SDR, and PMRs where tests have pins. */
export function writeHead(bytes: StdfBytes, lot: LotModel, order: ByteOrder, startMs: number): void {
  const startedAt = localSeconds(lot, startMs);
  const { seed } = lot.parameters;
  bytes.record(0, 10, () => bytes.u1(order === 'little' ? 2 : 1).u1(4));
  bytes.record(0, 20, () => bytes.u4(startedAt).cn(`wafersync generate --seed ${seed}`));
  writeMir(bytes, lot, startedAt);
  writeSdr(bytes, lot);
  writePins(bytes, lot);
}

function writeMir(bytes: StdfBytes, lot: LotModel, startedAt: number): void {
  const { names, lot: lotId } = lot.parameters;
  const texts = [
    lotId,
    names.product,
    names.equipment,
    'GEN-1',
    names.jobName,
    names.jobRevision,
    '', // SBLOT_ID
    'operator',
    'wafersync',
    '1',
    names.insertion,
    '25', // TST_TEMP
    '', // USER_TXT
    '', // AUX_FILE
    '', // PKG_TYP
    '', // FAMLY_ID
    '', // DATE_COD
    names.facility,
  ];
  bytes.record(1, 10, () => {
    const setupSeconds = 600;
    bytes
      .u4(startedAt - setupSeconds)
      .u4(startedAt)
      .u1(1)
      .c1('P')
      .c1(' ')
      .c1(' ')
      .u2(0xffff)
      .c1(' ');
    for (const text of texts) bytes.cn(text);
  });
}

function writeSdr(bytes: StdfBytes, lot: LotModel): void {
  const { sites } = lot.parameters;
  bytes.record(1, 80, () => {
    bytes.u1(1).u1(1).u1(sites);
    for (let site = 1; site <= sites; site++) bytes.u1(site);
    bytes.cn('prober').cn('PROBER-1').cn('card').cn('CARD-12');
  });
}

/** One PMR a pin of the multiple-result tests: their RTN_INDX refers to it. */
function writePins(bytes: StdfBytes, lot: LotModel): void {
  const pins = Math.max(0, ...lot.tests.map((test) => (test.kind === 'MPR' ? test.pins : 0)));
  for (let pin = 1; pin <= pins; pin++) {
    bytes.record(1, 60, () => bytes.u2(pin).u2(0).cn(String(pin)).cn(`P${pin}`).cn(`pin${pin}`).u1(1).u1(1));
  }
}

/** Before the first die of a wafer: WCR once a file, then WIR. */
export function writeWaferStart(bytes: StdfBytes, lot: LotModel, wafer: WaferModel): void {
  bytes.record(2, 10, () => bytes.u1(1).u1(0xff).u4(localSeconds(lot, wafer.startMs)).cn(wafer.id));
}

/** Shape of the wafer and its axes: the flat turns with them. */
export function writeWaferConfiguration(bytes: StdfBytes, lot: LotModel): void {
  const millimetres = 3;
  const flat = 'DRUL'[lot.quarterTurns] ?? 'D';
  bytes.record(2, 30, () => bytes.r4(300).r4(0).r4(0).u1(millimetres).c1(flat).i2(0).i2(0).c1('R').c1('U'));
}
