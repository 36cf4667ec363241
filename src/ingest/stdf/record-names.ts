/** Record type and subtype in one number. */
export function recordCode(type: number, subtype: number): number {
  return type * 256 + subtype;
}

/** Names of the STDF V4 records, V4-2007 included, by {@link recordCode}. Source: STDF V4 specification. */
const NAMES = new Map<number, string>(
  (
    [
      [0, 10, 'FAR'],
      [0, 20, 'ATR'],
      [0, 30, 'VUR'],
      [1, 10, 'MIR'],
      [1, 20, 'MRR'],
      [1, 30, 'PCR'],
      [1, 40, 'HBR'],
      [1, 50, 'SBR'],
      [1, 60, 'PMR'],
      [1, 62, 'PGR'],
      [1, 63, 'PLR'],
      [1, 70, 'RDR'],
      [1, 80, 'SDR'],
      [1, 90, 'PSR'],
      [1, 91, 'NMR'],
      [1, 92, 'CNR'],
      [1, 93, 'SSR'],
      [1, 94, 'CDR'],
      [2, 10, 'WIR'],
      [2, 20, 'WRR'],
      [2, 30, 'WCR'],
      [5, 10, 'PIR'],
      [5, 20, 'PRR'],
      [10, 30, 'TSR'],
      [15, 10, 'PTR'],
      [15, 15, 'MPR'],
      [15, 20, 'FTR'],
      [15, 30, 'STR'],
      [20, 10, 'BPS'],
      [20, 20, 'EPS'],
      [50, 10, 'GDR'],
      [50, 30, 'DTR'],
    ] as const
  ).map(([type, subtype, name]) => [recordCode(type, subtype), name]),
);

/** Name of a record, as `PTR`; one that the specification does not know is `type/subtype`, as `180/10`. */
export function recordName(code: number): string {
  return NAMES.get(code) ?? `${code >>> 8}/${code & 0xff}`;
}
