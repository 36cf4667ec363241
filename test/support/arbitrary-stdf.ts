import fc from 'fast-check';
import { StdfRecords } from './stdf-records.ts';

/** A file of records in any order, as testers and crashes make them, and where its PRRs end. */
export interface AnyStdf {
  readonly bytes: Buffer;
  /** Offset behind each PRR. */
  readonly partEnds: readonly number[];
}

type Make = (records: StdfRecords) => Buffer;

const bits = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.constantFrom(0, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0001, 0xffa5_a5a5),
);
const head = fc.constantFrom(1, 2);
const site = fc.constantFrom(0, 1, 255);
const number = fc.constantFrom(0, 1, 2, 0xffff_ffff);
const name = fc.constantFrom('', 'a', 'Vdd <> pin', 'µA', Buffer.from('caf\xe9', 'latin1'));
const flags = fc.constantFrom(0, 0x80, 0x40, 0x10);
const limits = fc.option(
  fc.record({
    opt: fc.constantFrom(0, 0x0e, 0x10, 0x40, 0xff),
    low: fc.constantFrom(0, 1, Number.NaN),
    high: fc.nat(3),
    units: fc.constantFrom('V', ''),
  }),
  { nil: undefined },
);

const ptr: fc.Arbitrary<Make> = fc
  .record({ number, head, site, flags, bits, name: fc.option(name, { nil: undefined }), limits })
  .map(({ name, limits, ...rest }) => (records) => {
    return records.ptr({ ...rest, ...(name !== undefined && { name }), ...(limits && { limits }) });
  });
const mpr: fc.Arbitrary<Make> = fc
  .record({ number, head, site, flags, name, values: fc.array(bits, { maxLength: 5 }), pins: fc.nat(4) })
  .map((fields) => (records) => records.mpr(fields));
const ftr: fc.Arbitrary<Make> = fc
  .record({ number, head, site, flags, name, pins: fc.nat(3), failBits: fc.nat(20) })
  .map((fields) => (records) => records.ftr(fields));
const prr: fc.Arbitrary<Make> = fc
  .record({
    head,
    site,
    flags: fc.constantFrom(0, 8, 16, 1, 2),
    softBin: fc.constantFrom(1, 65535),
    x: fc.constantFrom(-32768, -3, 0, 7),
    y: fc.constantFrom(-32768, 2),
    id: fc.constantFrom('', '1', 'é', 'a '),
  })
  .map((fields) => (records) => records.prr(fields));
const other: fc.Arbitrary<Make> = fc.oneof(
  fc.tuple(head, fc.constantFrom('', 'W1', 'W2')).map(
    ([on, id]): Make =>
      (records) =>
        records.wir(on, id),
  ),
  fc.tuple(head, fc.constantFrom('', 'W1', 'W3')).map(
    ([on, id]): Make =>
      (records) =>
        records.wrr(on, id),
  ),
  fc.uint8Array({ maxLength: 30 }).map(
    (body): Make =>
      (records) =>
        records.record(180, 10, Buffer.from(body)),
  ),
  fc.constantFrom<Make>(
    (records) => records.mir(1000, 900, 'LOT'),
    (records) => records.mrr(),
    (records) => records.record(15, 10), // a PTR without any field
  ),
);

const anyRecord: fc.Arbitrary<Make> = fc.oneof(
  { weight: 6, arbitrary: ptr },
  { weight: 1, arbitrary: mpr },
  { weight: 1, arbitrary: ftr },
  { weight: 3, arbitrary: prr },
  {
    weight: 3,
    arbitrary: fc.tuple(head, site).map(
      ([on, at]): Make =>
        (records) =>
          records.pir(on, at),
    ),
  },
  { weight: 1, arbitrary: other },
);

/** Files of up to `maxRecords` records behind FAR, in either byte order. */
export function anyStdf(maxRecords: number): fc.Arbitrary<AnyStdf> {
  return fc.tuple(fc.boolean(), fc.array(anyRecord, { maxLength: maxRecords })).map(([bigEndian, makers]) => {
    const records = new StdfRecords(bigEndian);
    const written = [records.far(), ...makers.map((make) => make(records))];
    const partEnds: number[] = [];
    let at = 0;
    for (const record of written) {
      at += record.length;
      if (record[2] === 5 && record[3] === 20) partEnds.push(at);
    }
    return { bytes: Buffer.concat(written), partEnds };
  });
}
